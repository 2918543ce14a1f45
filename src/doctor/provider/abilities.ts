/** What the metadata says that the provider can do, held against what a sign-in will ask of it. */
import type { AuthorizationServer } from 'oauth4webapi';
import { usesOpenId, usesPkce } from '../../upstream/login/authorization-url.ts';
import { VERIFIABLE_ALGORITHMS } from '../../upstream/documents/jwks.ts';
import { SYMMETRIC_ALGORITHMS } from '../../upstream/login/signature-algorithms.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import type { ResolvedSettings } from '../../upstream/resolved-settings.ts';
import type { Finding } from '../finding.ts';
import { providerFinding, type LocalpartClaims, type ProviderContext } from './context.ts';

/** Judges response types and modes, grants, PKCE, scopes, claims, signatures and userinfo. */
export function judgeAbilities(
  context: ProviderContext,
  probed: string,
  server: AuthorizationServer,
  localpartClaims: LocalpartClaims,
): Finding[] {
  const { settings, place } = context;
  const findings: Finding[] = [];
  const say = (facts: Omit<Parameters<typeof providerFinding>[1], 'probed'>): void => {
    findings.push(providerFinding(context, { probed, ...facts }));
  };

  const responseTypes = server.response_types_supported;
  if (responseTypes !== undefined && !responseTypes.includes('code')) {
    say({
      code: 'provider.code_flow',
      expected: '"code" among response_types_supported',
      seen: listed(responseTypes),
      remedy: `Allow the authorization code flow at the provider${orOverride(context, 'response_types_supported', [...responseTypes, 'code'])}`,
    });
  }
  const grants = server.grant_types_supported;
  if (grants !== undefined && !grants.includes('authorization_code')) {
    say({
      code: 'provider.code_flow',
      expected: '"authorization_code" among grant_types_supported',
      seen: listed(grants),
      remedy: `Allow the authorization code grant at the provider${orOverride(context, 'grant_types_supported', [...grants, 'authorization_code'])}`,
    });
  }
  const modes = server.response_modes_supported ?? [];
  if (!modes.includes(settings.responseMode)) {
    say({
      code: 'provider.response_mode',
      expected: `"${settings.responseMode}" among response_modes_supported`,
      seen: listed(modes),
      remedy: modes.includes('form_post')
        ? `Write \`response_mode: form_post\` in ${place}.`
        : `Allow the response mode ${settings.responseMode} at the provider${orOverride(context, 'response_modes_supported', [...modes, settings.responseMode])}`,
    });
  }
  judgePkce(context, server, say);
  const scopes = server.scopes_supported;
  const unlisted = scopes === undefined ? [] : settings.scopes.filter((scope) => !scopes.includes(scope));
  if (unlisted.length > 0) {
    say({
      code: 'provider.scope_unlisted',
      expected: `${unlisted.join(', ')} among scopes_supported`,
      seen: listed(scopes ?? []),
      remedy: unlisted.includes('openid')
        ? `Offer the scope openid at the provider; if it gives no ID tokens (plain OAuth 2.0), ${plainOAuth(context)}.`
        : `Offer the scope at the provider, or write \`scopes: [${settings.scopes.filter((scope) => !unlisted.includes(scope)).join(', ')}]\` in ${place}.`,
    });
  }
  const claims = server.claims_supported as readonly string[] | undefined;
  const [unknown = [], ...others] = localpartClaims.map((names) =>
    names.filter((name) => claims?.includes(name) === false && !claims.includes(name.replace(/\..*$/, ''))),
  );
  if (unknown.length > 0 && others.every((each) => each.length > 0)) {
    say({
      code: 'provider.claim_unlisted',
      expected: `the claim ${unknown.join(', ')} among claims_supported: \`claims.localpart\` reads it`,
      seen: listed(claims ?? []),
      remedy: `Make the provider release the claim, or name another one in \`${place}.claims.localpart\`; if it gives the claim and does not say so, ${override(context, 'claims_supported', [...(claims ?? []), ...unknown])}.`,
    });
  }
  if (usesOpenId(settings)) judgeAlgorithms(context, server, say);
  if (server.userinfo_endpoint === undefined && settings.fetchUserinfo) {
    say({
      code: 'provider.userinfo_missing',
      expected: 'a userinfo_endpoint: most providers give profile claims only there',
      seen: 'there is none',
      remedy: `See that the ID token has the claims of \`${place}.claims\`, and write \`fetch_userinfo: false\` in ${place}.`,
    });
  }
  return findings;
}

type Say = (facts: Omit<Parameters<typeof providerFinding>[1], 'probed'>) => void;

function judgePkce({ settings, place }: ProviderContext, server: AuthorizationServer, say: Say): void {
  const methods = server.code_challenge_methods_supported;
  if (methods?.includes('S256') === true || settings.pkce === 'never') return;
  // Kanidm: an empty list says that PKCE is not required.
  if (methods?.length === 0) return;
  const sent = usesPkce(server, settings);
  say({
    code: 'provider.pkce',
    expected: '"S256" among code_challenge_methods_supported',
    seen:
      methods === undefined
        ? `no such member; sign-in ${sent ? 'sends S256 all the same' : 'goes without PKCE'}`
        : `${listed(methods)}; sign-in ${sent ? 'sends S256 all the same' : 'goes without PKCE'}`,
    remedy: `Switch PKCE with S256 on at the provider; if it has it and does not say so, write \`pkce: always\` in ${place}.`,
  });
}

function judgeAlgorithms(context: ProviderContext, server: AuthorizationServer, say: Say): void {
  const { settings, place } = context;
  const offered = server.id_token_signing_alg_values_supported;
  if (offered === undefined) return;
  const wanted = settings.idTokenAlgorithms ?? VERIFIABLE_ALGORITHMS;
  if (wanted.some((algorithm) => offered.includes(algorithm))) return;
  say({
    code: 'provider.algorithm',
    expected: `one of ${wanted.join(', ')} among id_token_signing_alg_values_supported`,
    seen: listed(offered),
    remedy:
      settings.idTokenAlgorithms === undefined
        ? `Let the provider sign ID tokens with RS256 or ES256.${symmetricRemedy(context, server)}`
        : `Correct \`${place}.id_token_algorithms\`, or the signature at the provider.`,
  });
}

/** If the metadata says that the client secret may verify ID tokens: how that is allowed. A sentence of its own, or nothing. */
export function symmetricRemedy({ place, settings }: ProviderContext, server: AuthorizationServer): string {
  const offered = server.id_token_signing_alg_values_supported ?? [];
  const algorithm = SYMMETRIC_ALGORITHMS.find((each) => offered.includes(each));
  if (algorithm === undefined || settings.clientSecret === undefined) return '';
  return ` If it can only sign with the client secret, write \`id_token_algorithms: [${algorithm}]\` in ${place}.`;
}

/** What to do with a provider that gives no ID tokens. */
export function plainOAuth({ place }: Pick<ProviderContext, 'place'>): string {
  return `write \`preset: oauth2\` in ${place}, and its \`authorization_endpoint\`, \`token_endpoint\` and \`userinfo_endpoint\` in \`discovery.overrides\``;
}

function override({ place }: ProviderContext, member: string, values: readonly string[]): string {
  return `add \`${member}: [${values.join(', ')}]\` to \`${place}.discovery.overrides\``;
}

function orOverride(context: ProviderContext, member: string, values: readonly string[]): string {
  return `; if it can do that and does not say so, ${override(context, member, values)}.`;
}

/** A list of the metadata as one text, cut if it is long. */
function listed(values: readonly string[]): string {
  return values.length === 0 ? 'an empty list' : quoteForLog(values.join(', '), 300);
}

/** How sign-in will use PKCE: for summaries. */
export function pkceOf(server: AuthorizationServer, settings: ResolvedSettings): 'S256' | 'none' {
  return usesPkce(server, settings) ? 'S256' : 'none';
}
