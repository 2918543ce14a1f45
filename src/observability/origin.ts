/**
 * Who causes what is going on: the context in which events are emitted. It goes along with the work through every part (`AsyncLocalStorage`), because an
 * operation that ends a session knows neither requests nor commands, and its event says who did it all the same. For the log and the audit alone: nothing is
 * decided by it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * `person`: a request of a person's browser or client. `provider`: an identity provider that tells of a sign-out. `operator`: a command. `system`: work
 * that nobody asked for, such as expiry.
 */
export type Actor = 'person' | 'provider' | 'operator' | 'system';

/** A request is one: that is all that its handler has to do for it. */
export interface Origin {
  readonly actor: Actor;
  /** Which provider, or who ran the command. */
  readonly actorName?: string | undefined;
  readonly clientAddress?: string | undefined;
  readonly requestId?: string | undefined;
}

const context = new AsyncLocalStorage<Origin>();
const system: Origin = { actor: 'system' };

/** Does the work, and all that comes of it, in the name of `origin`. */
export function inOrigin<Argument, Result>(
  origin: Origin,
  work: (argument: Argument) => Result,
  argument: Argument,
): Result {
  return context.run(origin, work, argument);
}

/** Who it is at the moment. */
export function currentOrigin(): Origin {
  return context.getStore() ?? system;
}
