/** Which signatures count: each kind of token of a provider has its own list, and `none` is in no list. */
import type { AuthorizationServer } from 'oauth4webapi';
import { SIGNATURE_ALGORITHMS, VERIFIABLE_ALGORITHMS } from '../documents/jwks.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { usesOpenId } from './authorization-url.ts';

/** Verified by the client secret. */
export const SYMMETRIC_ALGORITHMS: readonly string[] = ['HS256', 'HS384', 'HS512'];

/** ID tokens: the configured ones, else the asymmetric ones that the metadata lists. Symmetric ones only if configured. */
export function idTokenAlgorithms(server: AuthorizationServer, settings: ResolvedSettings): string[] {
  return settings.idTokenAlgorithms === undefined
    ? listedOnes(server.id_token_signing_alg_values_supported)
    : known(settings.idTokenAlgorithms);
}

/** Userinfo (OpenID Connect Core section 5.3.2): the configured ones, else those that the metadata lists for it. */
export function userinfoAlgorithms(server: AuthorizationServer, settings: ResolvedSettings): string[] {
  if (settings.userinfoAlgorithms !== undefined) return known(settings.userinfoAlgorithms);
  const listed = server.userinfo_signing_alg_values_supported;
  return [
    ...listedOnes(listed),
    ...trustedSecrets(settings).filter((each) => listed?.includes(each) ?? true),
  ];
}

/**
 * Logout tokens: the configured ones, else every asymmetric one, because no member of the metadata is about them, and those of ID tokens that the client
 * secret verifies, because a logout token may be signed as an ID token is (OpenID Connect Back-Channel Logout 1.0 section 2.6).
 */
export function logoutTokenAlgorithms(settings: ResolvedSettings): string[] {
  return settings.logoutTokenAlgorithms === undefined
    ? [...SIGNATURE_ALGORITHMS, ...trustedSecrets(settings)]
    : known(settings.logoutTokenAlgorithms);
}

/** Introspection answers (RFC 9701 section 7): those that the metadata lists for them, asymmetric ones alone. */
export function introspectionAlgorithms(server: AuthorizationServer): string[] {
  const { introspection_signing_alg_values_supported: listed } = server;
  return listedOnes(Array.isArray(listed) ? listed : undefined);
}

/** Whether signing in takes keys of the IdP: ID tokens that only the client secret may verify take none. */
export function needsKeys(settings: ResolvedSettings): boolean {
  const { idTokenAlgorithms: algorithms } = settings;
  return usesOpenId(settings) && !(algorithms?.every((each) => SYMMETRIC_ALGORITHMS.includes(each)) ?? false);
}

/** A list without anything that we can use says no more than none does. */
function listedOnes(listed: readonly unknown[] | undefined): string[] {
  const usable = VERIFIABLE_ALGORITHMS.filter((each) => listed?.includes(each));
  return usable.length > 0 ? usable : [...SIGNATURE_ALGORITHMS];
}

function known(configured: readonly string[]): string[] {
  return configured.filter(
    (each) => VERIFIABLE_ALGORITHMS.includes(each) || SYMMETRIC_ALGORITHMS.includes(each),
  );
}

/** The operator trusts the client secret with signatures if ID tokens may have them. */
function trustedSecrets(settings: ResolvedSettings): string[] {
  return SYMMETRIC_ALGORITHMS.filter((each) => settings.idTokenAlgorithms?.includes(each));
}
