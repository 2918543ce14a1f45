import type { AuthorizationServerDeps } from '../authorization-server/deps.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** What the authorization server uses. */
export function composeAuthorizationServer(
  foundation: Foundation,
  shared: Shared,
  signingKeys: SigningKeys,
): AuthorizationServerDeps {
  const { config, log, metrics } = foundation;
  const { secret } = config.homeserver;
  return {
    ...shared.signIn,
    ...shared.sessions,
    ...shared.pages,
    verify: shared.verify,
    ownTokens: shared.ownTokens,
    log,
    metrics,
    sessionLimits: shared.sessionLimits,
    staticClients: shared.staticClients,
    secretGuesses: shared.secretGuesses,
    signingKeys,
    homeserverSecret: secret === undefined ? undefined : Buffer.from(secret),
    registration: {
      mode: config.registration.mode,
      allowedHosts: config.registration.allowed_hosts,
      allowedSchemes: config.registration.allowed_schemes,
      omittedAuthMethod: config.registration.omitted_auth_method,
      clientsCap: config.registration.clients_cap,
      limit: shared.limits.registrations,
    },
    deviceGrants: {
      limit: shared.limits.deviceGrants,
      guesses: shared.limits.userCodeGuesses,
      waitingCap: config.limits.device_grants,
      userCodeKey: foundation.subkey('user codes'),
    },
  };
}
