import type { AuthorizationServerDeps } from '../authorization-server/deps.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { localpartOfName, nameOf } from '../verification/sasl/names.ts';
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
    tokenVerifiers: foundation.tokenVerifiers,
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
    introspectionByGet: config.introspection,
    passwordGrant: passwordGrant(foundation, shared),
    deviceGrants: {
      limit: shared.limits.deviceGrants,
      guesses: shared.limits.userCodeGuesses,
      waitingCap: config.limits.device_grants,
      userCodeKey: foundation.subkey('user codes'),
    },
  };
}

/** Logs that passwords pass through. */
function passwordGrant(
  { config, providers, log }: Foundation,
  { limits }: Shared,
): AuthorizationServerDeps['passwordGrant'] {
  const { password_grant: settings, server_name: serverName } = config;
  if (settings === false) return undefined;
  const provider = providers.find(({ id }) => id === settings.provider);
  if (provider === undefined) throw new Error(`there is no provider ${settings.provider}`);
  log.warn(
    { provider: provider.id },
    'password_grant is on: passwords pass through other servers and this service, and second factors do not count',
  );
  const there = { serverName, template: settings.username };
  return {
    login: {
      provider,
      usernameOf: (localpart) => nameOf(there, localpart) ?? localpart,
      allowed: undefined,
      failures: limits.passwordFailures,
    },
    localpartOf: (name) => localpartOfName({ serverName, template: settings.login }, name),
  };
}
