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
}
