import type { Csrf } from '../http/csrf.ts';
import type { AddressLimit } from '../http/address-limit.ts';
import type { SecretGuesses } from '../http/secret-guesses.ts';
import type { Homeserver } from '../homeserver/connector.ts';
import type { EmitEvent } from '../observability/events.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import type { SessionLimits } from '../sessions/limits.ts';
import type { TokenVerifier } from '../verification/token-verifier.ts';
import type { OwnTokenForms } from '../verification/own-token-hash.ts';
import type { Verify } from '../verification/access-verdict.ts';
import type { SessionPolicy } from '../sessions/policy.ts';
import type { RotationDeps } from '../sessions/rotate.ts';
import type { PasswordGrant } from '../sign-in/password.ts';
import type { SignInDeps } from '../sign-in/deps.ts';
import type { Sealer } from '../storage/sealed.ts';
import type { Provider } from '../upstream/provider.ts';
import type { Client } from '../clients/clients.ts';
import type { DeviceGrantPolicy } from './device/device-grant-policy.ts';
import type { RegistrationPolicy } from './registration-policy.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/** What the endpoints of this folder use; each takes the part that it needs. */
export interface AuthorizationServerDeps extends RotationDeps, SignInDeps {
  /** Whose an access token is. */
  readonly verify: Verify;
  readonly ownTokens: OwnTokenForms;
  /** One for each provider whose access tokens count here. */
  readonly tokenVerifiers: readonly Pick<TokenVerifier, 'forget'>[];
  /** `public_url`, byte for byte. */
  readonly issuer: string;
  readonly serverName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: SessionPolicy;
  readonly homeserver: Homeserver;
  /** The IdPs, in the operator's order; at least one. */
  readonly providers: readonly Provider[];
  readonly sealer: Sealer;
  readonly signingKeys: SigningKeys;
  /** Clients of the configuration, by id. */
  readonly staticClients: ReadonlyMap<string, Client>;
  readonly secretGuesses: SecretGuesses;
  readonly registration: RegistrationPolicy;
  readonly deviceGrants: DeviceGrantPolicy;
  /** Which further ways of introspection are on. */
  readonly introspectionByGet: { readonly get: boolean; readonly tokeninfo: boolean };
  /** Undefined if it is off. */
  readonly passwordGrant: PasswordGrant | undefined;
  readonly sessionLimits: SessionLimits;
  readonly csrf: Csrf;
  /** Before a sign-in, or a request for one, is stored. */
  readonly signInGuard: AddressLimit;
  readonly log: Log;
  readonly emit: EmitEvent;
  readonly metrics: Metrics;
  /** The secret with which the homeserver introspects; undefined if none is configured. */
  readonly homeserverSecret: Buffer | undefined;
}
