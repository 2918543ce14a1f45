import type { Homeserver } from '../homeserver/connector.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import type { RotationDeps } from '../sessions/rotate.ts';
import type { SignInDeps } from '../sign-in/complete.ts';
import type { Sealer } from '../storage/sealed.ts';
import type { Provider } from '../upstream/provider.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What the endpoints of this folder use; each takes the part that it needs. */
export interface AuthorizationServerDeps extends RotationDeps, SignInDeps {
  /** `public_url`, byte for byte. */
  readonly issuer: string;
  readonly serverName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly homeserver: Homeserver;
  /** The IdPs, in the operator's order; at least one. */
  readonly providers: readonly Provider[];
  readonly sealer: Sealer;
  readonly signingKeys: SigningKeys;
  /** Key of the CSRF tokens. */
  readonly csrfKey: Buffer;
  /** SHA-256 of the secret with which the homeserver introspects; undefined where none is configured. */
  readonly homeserverSecretHash: Buffer | undefined;
}
