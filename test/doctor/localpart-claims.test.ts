/** What the metadata says of the claims that the localpart is made of. */
import { expect, it } from 'vitest';
import { judgeAbilities } from '../../src/doctor/provider/abilities.ts';
import type { ProviderContext } from '../../src/doctor/provider/context.ts';
import { alternativesOf, claimsOf, type ClaimTemplate } from '../../src/protocol/claim-template.ts';
import { resolveSettings } from '../../src/upstream/resolved-settings.ts';

const issuer = 'https://idp.example.com';
const settings = resolveSettings({ id: 'main', issuer, client_id: 'gatehouse' });
const context = { settings, place: 'providers[0]', subject: 'provider main' } as ProviderContext;

it.each<[ClaimTemplate, string[] | undefined, boolean]>([
  ['nickname', ['sub', 'nickname'], true],
  ['nickname', ['sub'], false],
  ['nickname', [], false],
  ['nickname', undefined, true],
  [['preferred_username', 'nickname'], ['sub', 'nickname'], true],
  [['preferred_username', '{email|before_at}'], ['sub', 'preferred_username'], true],
  [['preferred_username', 'nickname'], ['sub', 'email'], false],
  ['{given_name}.{family_name}', ['sub', 'given_name'], false],
  ['ocs.data.id', ['sub', 'ocs'], true],
])(
  'claims.localpart %j is told only if no entry of it can be made of %j: %s',
  (template, listed, isListed) => {
    const server = { issuer, ...(listed === undefined ? {} : { claims_supported: listed }) };
    const findings = judgeAbilities(context, 'the metadata', server, alternativesOf(template).map(claimsOf));
    expect(findings.some(({ code }) => code === 'provider.claim_unlisted')).toBe(!isListed);
  },
);
