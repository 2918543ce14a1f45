import type { ClientId } from '../protocol/identifiers.ts';
import type { Csrf } from '../http/csrf.ts';
import type { AddressLimit } from '../http/address-limit.ts';
import type { EmitEvent } from '../observability/events.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Verify } from '../verification/access-verdict.ts';
import type { RotationDeps } from '../sessions/rotate.ts';
import type { SessionPolicy } from '../sessions/policy.ts';
import type { SignInDeps } from '../sign-in/deps.ts';

/** What the routes of this folder use; each takes the part that it needs. */
export interface MatrixApiDeps extends RotationDeps, SignInDeps {
  /** Whose an access token is. */
  readonly verify: Verify;
  readonly policy: SessionPolicy;
  readonly log: Log;
  readonly emit: EmitEvent;
  readonly metrics: Metrics;
  readonly csrf: Csrf;
  /** Takes one for each sign-in that begins. */
  readonly signInGuard: AddressLimit;
  /** `homeserver.public_url`, where clients find the homeserver; undefined if the operator has not set it. */
  readonly homeserverUrl: string | undefined;
  /** What a person is shown as a client's name. */
  readonly nameClient: (clientId: ClientId) => Promise<string>;
}
