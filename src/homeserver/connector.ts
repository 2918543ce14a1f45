/**
 * What this service must tell the homeserver. A homeserver knows users and devices; it has both before a client has a token, and
 * loses a device when the session on it ends ("homeserver first", docs/session-model.md).
 */

/** A user and, where it matters, one of its devices. */
export interface HomeserverUser {
  readonly localpart: string;
  /** Left alone at the homeserver where undefined. */
  readonly displayname?: string;
}

export interface HomeserverDevice {
  readonly localpart: string;
  readonly deviceId: string;
  /** Name for a device that does not exist yet. */
  readonly displayname?: string;
}

/** The verbs we need. Each is idempotent and throws `Unavailable` where the homeserver could not be told. */
export interface Homeserver {
  /** False where there is nobody to tell: then nothing is queued either. */
  readonly listens: boolean;
  provisionUser(user: HomeserverUser): Promise<void>;
  upsertDevice(device: HomeserverDevice): Promise<void>;
  /** An empty name takes the name away. */
  renameDevice(device: HomeserverDevice & { readonly displayname: string }): Promise<void>;
  deleteDevice(device: HomeserverDevice): Promise<void>;
}
