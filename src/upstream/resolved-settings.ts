/** A provider's settings with the defaults of its preset and our own filled in. */
import { discoveryDefaults } from '../protocol/discovery-defaults.ts';
import type { ForwardProxy } from '../outbound/proxy.ts';
import type { Preset } from './presets/preset.ts';
import { presets } from './presets/presets.ts';
import type { ProviderSettings, TokenEndpointAuthMethod } from './settings.ts';

/** The settings with every default filled in: the operator's word over the preset's over the general ones. */
export interface ResolvedSettings {
  readonly id: string;
  readonly preset: Preset;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientPrivateKey: string | undefined;
  readonly clientPrivateKeyId: string | undefined;
  readonly clientTeamId: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly authMethod: TokenEndpointAuthMethod | undefined;
  readonly authSigningAlg: string | undefined;
  readonly scopes: readonly string[];
  readonly offlineAccess: boolean;
  readonly responseMode: 'query' | 'form_post';
  readonly pkce: 'auto' | 'always' | 'never';
  /** Whether the ID token is bound to the sign-in by a nonce too. */
  readonly usesNonce: boolean;
  readonly fetchUserinfo: boolean;
  readonly subjectClaim: string;
  readonly idTokenAlgorithms: readonly string[] | undefined;
  readonly userinfoAlgorithms: readonly string[] | undefined;
  readonly logoutTokenAlgorithms: readonly string[] | undefined;
  readonly authorizationParameters: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly clockTolerance: number;
  readonly issuerAliases: readonly string[];
  readonly allowedTenants: readonly string[];
  readonly allowHttp: boolean;
  readonly allowAddresses: readonly string[];
  readonly proxy: ForwardProxy | undefined;
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  readonly discovery: ResolvedDiscovery;
}

export interface ResolvedDiscovery {
  readonly method: 'oidc' | 'oauth2' | 'none';
  readonly url: string | undefined;
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly staleIfErrorMs: number;
  readonly overrides: Readonly<Record<string, unknown>>;
}

/** Throws a RangeError if the preset is unknown, or nothing would bind a code to its sign-in. */
export function resolveSettings(settings: ProviderSettings): ResolvedSettings {
  const preset = presets.get(settings.preset ?? 'generic');
  if (preset === undefined) throw new RangeError(`there is no preset "${settings.preset ?? ''}"`);
  const defaults = preset.defaults ?? {};
  const pkce = settings.pkce ?? defaults.pkce ?? 'auto';
  const usesNonce = settings.nonce ?? defaults.nonce ?? true;
  if (!usesNonce && pkce !== 'always' && preset.openid !== false) {
    throw new RangeError('nonce: false needs pkce: always');
  }
  const discovery = settings.discovery ?? {};
  return {
    id: settings.id,
    preset,
    issuer: settings.issuer,
    clientId: settings.client_id,
    clientSecret: settings.client_secret,
    clientPrivateKey: settings.client_private_key,
    clientPrivateKeyId: settings.client_private_key_id,
    clientTeamId: settings.client_team_id,
    clientCertificate: settings.client_certificate,
    authMethod: settings.token_endpoint_auth_method ?? defaults.token_endpoint_auth_method,
    authSigningAlg: settings.token_endpoint_auth_signing_alg,
    scopes: settings.scopes ?? defaults.scopes ?? ['openid', 'profile', 'email'],
    offlineAccess: settings.offline_access ?? false,
    responseMode: settings.response_mode ?? defaults.response_mode ?? 'query',
    pkce,
    usesNonce,
    fetchUserinfo: settings.fetch_userinfo ?? defaults.fetch_userinfo ?? true,
    subjectClaim: settings.subject_claim ?? defaults.subject_claim ?? 'sub',
    idTokenAlgorithms: settings.id_token_algorithms ?? defaults.id_token_algorithms,
    userinfoAlgorithms: settings.userinfo_algorithms,
    logoutTokenAlgorithms: settings.logout_token_algorithms,
    authorizationParameters: { ...defaults.authorization_parameters, ...settings.authorization_parameters },
    clockTolerance: settings.clock_tolerance_seconds ?? 60,
    issuerAliases: [...(defaults.issuer_aliases ?? []), ...(settings.issuer_aliases ?? [])],
    allowedTenants: settings.allowed_tenants ?? [],
    allowHttp: settings.allow_http ?? false,
    allowAddresses: settings.allow_addresses ?? [],
    proxy: proxyOf(settings),
    ca: settings.ca,
    timeoutMs: (settings.timeout_seconds ?? 5) * 1000,
    discovery: {
      method: discovery.method ?? defaults.discovery_method ?? 'oidc',
      url: discovery.url,
      minTtlMs: (discovery.min_ttl_seconds ?? discoveryDefaults.minTtl) * 1000,
      maxTtlMs: (discovery.max_ttl_seconds ?? discoveryDefaults.maxTtl) * 1000,
      staleIfErrorMs: (discovery.stale_if_error_seconds ?? discoveryDefaults.staleIfError) * 1000,
      overrides: discovery.overrides ?? {},
    },
  };
}

function proxyOf({ proxy, proxy_url: short }: ProviderSettings): ForwardProxy | undefined {
  const url = proxy?.url ?? short;
  return url === undefined ? undefined : { url, username: proxy?.username, password: proxy?.password };
}
