/** What the steps of a login share. */
import type { Clock } from '../../protocol/clock.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import type { SignatureVerifier } from '../documents/jwks.ts';
import type { PartLog } from '../../observability/part-log.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';

/** What the browser brought back, and what it must fit. */
export interface CallbackInput {
  /** As the browser brought them. */
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  readonly expectedState: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** What the authorization request asked for, if it did: the ID token's `auth_time` must then fit. */
  readonly maxAgeSeconds?: number | undefined;
}

export interface LoginDeps {
  readonly settings: ResolvedSettings;
  readonly outbound: Outbound;
  readonly verifier: SignatureVerifier;
  readonly clientAuthentication: ClientAuthentication;
  readonly clock: Clock;
  readonly log: PartLog;
}
