/** What the configuration says of the people of each provider, in the terms of the parts. */
import type { Config } from '../config/schema.ts';
import { passthroughFaults } from '../metadata/passthrough.ts';
import type { OperatorScopes } from '../protocol/operator-scope.ts';
import type { ProviderRules } from '../sign-in/complete.ts';
import { claimsOf } from '../protocol/claim-template.ts';
import { isRechecked } from '../sign-in/upstream-grant.ts';
import type { ProviderSettings } from '../upstream/settings.ts';

type Provider = Config['providers'][number];

/** By provider id. */
export function providerRules(providers: readonly Provider[]): ReadonlyMap<string, ProviderRules> {
  return new Map(providers.map((provider) => [provider.id, rulesOf(provider)]));
}

/** A refresh token is asked for only if claims are to be fetched again. */
export function upstreamSettings(provider: Provider, scopes: OperatorScopes): ProviderSettings {
  return { ...provider, offline_access: isRechecked(rulesOf(provider).access, scopes) };
}

/** In passthrough mode: why clients could not use the provider's document. A document of which this is so does not come into use. */
export function passthroughFitness(
  { mode }: Pick<Config, 'mode'>,
  { issuer, discovery }: Pick<Provider, 'issuer'> & { discovery: Pick<Provider['discovery'], 'overrides'> },
): ((document: Readonly<Record<string, unknown>>) => string | undefined) | undefined {
  if (mode !== 'passthrough') return undefined;
  const rules = { overrides: discovery.overrides, allowHttp: issuer.startsWith('http:') };
  return (document) => {
    const faults = passthroughFaults(document, rules);
    return faults.length === 0
      ? undefined
      : `clients cannot use the metadata document: ${faults.join('; ')} (correct it at the provider, or in discovery.overrides)`;
  };
}

function rulesOf({
  id,
  name = id,
  brand,
  icon_svg: icon,
  claims,
  access,
  tokens,
  localpart_conflict,
}: Provider): ProviderRules {
  const { recheck_seconds: seconds, ...rules } = access;
  return {
    name,
    ...(brand === undefined ? {} : { brand }),
    ...(icon === undefined
      ? {}
      : { icon: `data:image/svg+xml;base64,${Buffer.from(icon).toString('base64')}` }),
    claims,
    linksExisting: localpart_conflict === 'link_existing',
    access: {
      ...rules,
      localpartClaims: [claims.localpart, tokens?.claims.localpart ?? claims.localpart].flatMap(claimsOf),
      recheckEvery: seconds * 1000,
    },
  };
}
