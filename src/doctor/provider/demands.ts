/** What this set-up wants of the provider beyond a sign-in: a document that Matrix clients can use, and the time of an authentication. */
import { demandedLists } from '../../metadata/check.ts';
import { passthroughFaults } from '../../metadata/passthrough.ts';
import { judgeMetadata } from '../../upstream/documents/metadata.ts';
import { usesOpenId } from '../../upstream/login/authorization-url.ts';
import type { Finding } from '../finding.ts';
import { providerFinding, type ProviderContext } from './context.ts';
import type { MetadataVerdict } from './metadata.ts';

export interface Demands {
  /** Clients get the provider's own metadata (`mode: passthrough`). */
  readonly passesMetadataOn?: boolean | undefined;
  /** User-interactive authentication is offered: the person has to sign in anew, and the provider to say when that was. */
  readonly needsAuthTime?: boolean | undefined;
}

/** Judges the metadata by what the set-up wants of it; nothing if there is none. */
export function judgeDemands(
  context: ProviderContext,
  { document, server, answered }: MetadataVerdict,
  { passesMetadataOn = false, needsAuthTime = false }: Demands,
): Finding[] {
  if (document === undefined || server === undefined) return [];
  const probed = answered?.probed ?? 'discovery.overrides';
  return [
    ...(passesMetadataOn ? judgePassthrough(context, probed, document) : []),
    ...(needsAuthTime ? judgeAuthTime(context, probed, server.claims_supported) : []),
  ];
}

function judgePassthrough(
  context: ProviderContext,
  probed: string,
  sent: Readonly<Record<string, unknown>>,
): Finding[] {
  const { settings, place } = context;
  const { overrides } = settings.discovery;
  const { document } = judgeMetadata(sent, settings);
  const faults = passthroughFaults(document, {
    overrides,
    allowHttp: settings.issuer.startsWith('http:'),
  });
  if (faults.length === 0) return [];
  const members = [...new Set(faults.map((fault) => fault.split(' ', 1)[0] ?? ''))];
  const lines = members.map(
    (member) => `\`${member}: ${completed(member, overrides[member] ?? document[member])}\``,
  );
  return [
    providerFinding(context, {
      code: 'provider.not_passed_through',
      probed,
      expected: 'what the Matrix specification demands of `auth_metadata` (`mode: passthrough`)',
      seen: faults.join('; '),
      remedy: `Correct it at the provider; if it can do this and does not say so, add to \`${place}.discovery.overrides\`: ${lines.join(', ')}. Otherwise write \`mode: facade\`.`,
    }),
  ];
}

/** The value that would do: the provider's own with what it lacks. */
function completed(member: string, value: unknown): string {
  const demanded = demandedLists[member];
  if (demanded === undefined) return 'https://…';
  const own = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  return `[${[...new Set([...own, ...demanded])].join(', ')}]`;
}

function judgeAuthTime(context: ProviderContext, probed: string, listed: unknown): Finding[] {
  const { settings, place } = context;
  const claims = Array.isArray(listed) ? (listed as unknown[]) : undefined;
  const openid = usesOpenId(settings);
  if (openid && (claims === undefined || claims.includes('auth_time'))) return [];
  return [
    providerFinding(context, {
      code: 'provider.auth_time',
      probed,
      expected:
        'the claim auth_time, by which an app that deletes a device can be sure that the person has just signed in',
      seen: openid ? 'claims_supported without auth_time' : 'plain OAuth 2.0, which has no such claim',
      remedy: `${
        openid
          ? `Have the provider put auth_time into ID tokens (OpenID Connect Core section 2); if it does so already, add it to \`claims_supported\` in \`${place}.discovery.overrides\`. Otherwise`
          : 'Such'
      } people delete devices on the account page; an app without OAuth cannot (\`sso: false\` in \`legacy_login\` keeps such apps out).`,
    }),
  ];
}
