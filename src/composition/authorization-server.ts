import type { AuthorizationServerDeps } from '../authorization-server/deps.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** What the authorization server uses. */
export function composeAuthorizationServer(
  foundation: Foundation,
  shared: Shared,
  signingKeys: SigningKeys,
): AuthorizationServerDeps {
  const { config, log, metrics, clock } = foundation;
  const { secret } = config.homeserver;
  return {
    ...shared.signIn,
    ...shared.sessions,
    ...shared.pages,
    verify: shared.verify,
    log,
    metrics,
    sessionLimits: shared.sessionLimits,
    staticClients: shared.staticClients,
    signingKeys,
    homeserverSecret: secret === undefined ? undefined : Buffer.from(secret),
    registration: {
      mode: config.registration.mode,
      allowedHosts: config.registration.allowed_hosts,
      omittedAuthMethod: config.registration.omitted_auth_method,
      clientsCap: config.registration.clients_cap,
      limit: createRateLimiter({
        name: 'registrations_per_address',
        points: config.limits.registrations_per_address,
        windowSeconds: 60,
        clock,
        metrics,
      }),
    },
    deviceGrants: {
      perAddress: config.limits.device_grants_per_address,
      waitingCap: config.limits.device_grants,
      userCodeKey: foundation.subkey('user codes'),
    },
  };
}
