import type { EmitEvent } from '../../observability/events.ts';
import type { SessionLimits } from '../../sessions/limits.ts';
import type { SessionPolicy } from '../../sessions/policy.ts';
import type { CompletionDeps } from '../../sign-in/complete.ts';
import type { SignInCountDeps } from '../../sign-in/count-sign-in.ts';
import type { LoginMethods } from './methods.ts';

/** What logging in uses. */
export interface LogInDeps extends CompletionDeps, SignInCountDeps {
  readonly login: LoginMethods;
  readonly policy: SessionPolicy;
  readonly sessionLimits: SessionLimits;
  /** `homeserver.public_url`, told to clients; undefined if the operator has not set it. */
  readonly homeserverUrl: string | undefined;
  readonly emit: EmitEvent;
}
