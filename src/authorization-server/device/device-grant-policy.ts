/** What the operator decided about device grants. */
export interface DeviceGrantPolicy {
  /** Requests a minute from one address. */
  readonly perAddress: number;
  /** How many may wait for a person at once, of all clients; one client may have half of them. */
  readonly waitingCap: number;
  /** Subkey under which user codes are hashed. */
  readonly userCodeKey: Buffer;
}
