import type { RateLimiter } from '../http/rate-limit.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { ClientMetadata, OmittedAuthMethod } from '../clients/client-metadata.ts';

/** What the operator decided about clients that register themselves. */
export interface RegistrationPolicy {
  readonly mode: 'open' | 'allow_list' | 'off';
  /** For `allow_list`: hosts of `client_uri`, exactly, or `*.` and everything below one. */
  readonly allowedHosts: readonly string[];
  readonly omittedAuthMethod: OmittedAuthMethod;
  /** Registered clients at most. */
  readonly clientsCap: number;
  /** Registrations a minute, by `addressKey`. */
  readonly limit: RateLimiter;
}

/** Throws where nobody may register: 403, since RFC 7591 has no code for it; the endpoint is there because the metadata must name one. */
export function requireOpenRegistration({ mode }: RegistrationPolicy): void {
  if (mode !== 'off') return;
  throw new OAuthError('access_denied', 'clients cannot register themselves here; ask the operator', {
    status: 403,
  });
}

/** Throws where a client of this host may not register. */
export function requireAllowedHost(policy: RegistrationPolicy, { client_uri: uri }: ClientMetadata): void {
  if (policy.mode !== 'allow_list') return;
  const host = uri === undefined ? '' : new URL(uri).hostname;
  const isAllowed = policy.allowedHosts.some((allowed) =>
    allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed,
  );
  if (isAllowed) return;
  throw new OAuthError(
    'invalid_client_metadata',
    'client_uri is not on a host whose clients may register here',
    { status: 403 },
  );
}
