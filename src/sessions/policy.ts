import type { OperatorScopes } from '../protocol/operator-scope.ts';
import { isApiScope } from '../protocol/scope.ts';

/** What the operator decided about sessions; the rest of this folder takes it as plain values. */
export interface SessionPolicy {
  /** Life of an access token in milliseconds. */
  readonly accessTokenTtl: number;
  /**
   * How long, in milliseconds after its successor was first used, the immediate predecessor still yields the same pair: a
   * suspended phone resends it honestly. 0 is strict.
   */
  readonly refreshReuseGrace: number;
  /** Milliseconds without any use after which a session ends; left out or 0: never. */
  readonly idleExpiry?: number;
  /** Milliseconds after its beginning at which a session ends; left out or 0: never. */
  readonly absoluteExpiry?: number;
  /** Scopes of the operator's own: who may have which, and lifetimes. */
  readonly scopes?: OperatorScopes;
  /** Lifetimes that the operator gave the client whose session it is, in milliseconds: they count before those of scopes. */
  readonly client?: { readonly accessTokenTtl?: number; readonly sessionTtl?: number };
  /** What no access token lives longer than, in milliseconds; left out: there is no such bound. */
  readonly longestAccessToken?: number;
}

/** What decides how long tokens live. */
export type LifetimePolicy = Omit<SessionPolicy, 'refreshReuseGrace'>;

/** How long an access token of this scope lives: as the client's do, else the shortest that its scopes say; a token of Matrix never longer than others of Matrix. */
export function accessTokenTtl(policy: LifetimePolicy, scope: string): number {
  const tokens = scope.split(' ');
  const ofScopes = tokens.flatMap((token) => policy.scopes?.get(token)?.accessTokenTtl ?? []);
  if (ofScopes.length === 0 || tokens.some(isApiScope)) ofScopes.push(policy.accessTokenTtl);
  const ttl = policy.client?.accessTokenTtl ?? Math.min(...ofScopes);
  return Math.min(ttl, policy.longestAccessToken ?? Infinity);
}

/** When a session of this scope that begins now is over however it is used; null: at no time that is fixed. A session of Matrix has no such time but its client's. */
export function sessionEnd(policy: SessionPolicy, scope: string, now: number): number | null {
  const tokens = scope.split(' ');
  const ofScopes = tokens.some(isApiScope)
    ? []
    : tokens.flatMap((token) => policy.scopes?.get(token)?.sessionTtl ?? []);
  const ttl = policy.client?.sessionTtl ?? (ofScopes.length === 0 ? undefined : Math.min(...ofScopes));
  return ttl === undefined ? null : now + ttl;
}

/** When an access token that is issued now expires: never after its session. */
export function accessTokenEnd(
  policy: SessionPolicy,
  session: { readonly scope: string; readonly expires_at: number | null },
  now: number,
): number {
  return Math.min(now + accessTokenTtl(policy, session.scope), session.expires_at ?? Infinity);
}
