import type { AddressLimit } from '../http/address-limit.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { ClientMetadata, OmittedAuthMethod } from '../clients/client-metadata.ts';

/** What the operator decided about clients that register themselves. */
export interface RegistrationPolicy {
  readonly mode: 'open' | 'allow_list' | 'off';
  /** For `allow_list`: hosts of `client_uri`, exactly, or `*.` and everything below one. */
  readonly allowedHosts: readonly string[];
  /** For `allow_list`: schemes of apps. */
  readonly allowedSchemes: readonly string[];
  readonly omittedAuthMethod: OmittedAuthMethod;
  /** Registered clients, except for those of addresses that register little. */
  readonly clientsCap: number;
  /** Registrations a minute. */
  readonly limit: AddressLimit;
}

/** Throws if nobody may register: 403, since RFC 7591 has no code for it; the endpoint is there because the metadata must name one. */
export function requireOpenRegistration({ mode }: RegistrationPolicy): void {
  if (mode !== 'off') return;
  throw new OAuthError('access_denied', 'clients cannot register themselves here; ask the operator', {
    status: 403,
  });
}

/**
 * Throws if a client may not register by the operator's list. Anybody can name a `client_uri`, so what counts is where answers go: to https on these
 * hosts, or to the scheme of an app that is listed.
 */
export function requireAllowedHost(policy: RegistrationPolicy, metadata: ClientMetadata): void {
  if (policy.mode !== 'allow_list') return;
  const { client_uri: uri, redirect_uris: redirects } = metadata;
  if (uri === undefined || !isAllowedHost(policy, new URL(uri).hostname)) {
    throw notAllowed('client_uri is not on a host whose clients may register here');
  }
  if (redirects.length === 0)
    throw notAllowed('redirect_uris must name a host whose clients may register here');
  const isAllowed = redirects.every((redirect) => {
    const { protocol, hostname } = new URL(redirect);
    return protocol === 'https:'
      ? isAllowedHost(policy, hostname)
      : policy.allowedSchemes.includes(protocol.slice(0, -1));
  });
  if (!isAllowed) {
    throw notAllowed('redirect_uris must be https on hosts, or of schemes, whose clients may register here');
  }
}

function isAllowedHost({ allowedHosts }: RegistrationPolicy, host: string): boolean {
  return allowedHosts.some((allowed) =>
    allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed,
  );
}

function notAllowed(text: string): OAuthError {
  return new OAuthError('invalid_client_metadata', text, { status: 403 });
}
