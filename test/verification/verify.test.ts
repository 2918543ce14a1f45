import { describe, expect, it, test } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';
import { issueSecret } from '../../src/protocol/token-format.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { type KnownVerdict, knownVerdict } from '../../src/verification/access-verdict.ts';
import { ownTokens } from '../../src/verification/own-token.ts';
import { createVerify, type VerificationStrategy } from '../../src/verification/verify.ts';
import { sessionCore } from '../sessions/support.ts';
import { opaqueTokens } from '../support/opaque-tokens.ts';
import { forEachEngine } from '../support/database.ts';

const says =
  (verdict: KnownVerdict | undefined): VerificationStrategy =>
  () =>
    Promise.resolve(verdict);
const fails =
  (error: Error): VerificationStrategy =>
  () =>
    Promise.reject(error);
const ended: KnownVerdict = { kind: 'inactive', reason: 'ended' };
const expired: KnownVerdict = { kind: 'inactive', reason: 'expired' };
const outage = new Unavailable('the database');

describe('strategies', () => {
  test.each([
    ['nobody to ask', [], { kind: 'inactive', reason: 'malformed' }],
    ['nobody knows the kind', [says(undefined), says(undefined)], { kind: 'inactive', reason: 'malformed' }],
    ['the first that knows it decides', [says(ended), says(expired)], ended],
    ['one that does not know it passes it on', [says(undefined), says(expired)], expired],
    ['an outage is a verdict', [fails(outage)], { kind: 'unavailable', error: outage }],
    ['an outage is not passed on', [fails(outage), says(ended)], { kind: 'unavailable', error: outage }],
    ['an outage further on does not matter', [says(ended), fails(outage)], ended],
  ])('%s', async (_, strategies, expected) => {
    expect(await createVerify(strategies)('token')).toEqual(expected);
  });

  it('do not hide a bug as an outage', async () => {
    await expect(createVerify([fails(new TypeError('a bug'))])('token')).rejects.toThrow('a bug');
  });

  it('make routes answer an outage with 503', async () => {
    await expect(knownVerdict(createVerify([fails(outage)]), 'token')).rejects.toBe(outage);
    expect(await knownVerdict(createVerify([says(ended)]), 'token')).toBe(ended);
  });
});

forEachEngine((engine) => {
  it('knows tokens of this service, and leaves others to others', async () => {
    const db = await engine.open();
    const core = await sessionCore(db);
    const verify = createVerify([ownTokens({ ...core, ownTokens: opaqueTokens }), says(expired)]);
    const { accessToken } = await core.begin();
    expect(await verify(accessToken)).toMatchObject({ kind: 'active', access: { userId: core.userId } });
    expect(await verify(issueSecret('accessToken', systemRandom))).toEqual({
      kind: 'inactive',
      reason: 'unknown',
    });
    for (const other of [
      '',
      'eyJhbGciOiJSUzI1NiJ9.e30.AA',
      `${accessToken}x`,
      issueSecret('refreshToken', systemRandom),
    ]) {
      expect(await verify(other)).toBe(expired);
    }
    await db.close();
    expect(await verify(accessToken)).toMatchObject({ kind: 'unavailable' });
  });
});
