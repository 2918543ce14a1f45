/**
 * What this service asks of a homeserver and tells it: a type that the author of another homeserver can implement (docs/homeserver-authors.md).
 * A homeserver knows users and devices. It has both before a client has a token, and loses a device when the session on it ends ("homeserver
 * first", docs/session-model.md).
 */
import type { DeviceId } from '../protocol/identifiers.ts';

/** A user, by the part of the user ID between `@` and `:`. */
export interface HomeserverUser {
  readonly localpart: string;
}

/** What the homeserver is to know of a user. A member left out stays as the homeserver has it; null takes the value away. */
export interface HomeserverProfile extends HomeserverUser {
  readonly displayname?: string | null | undefined;
  /** An `mxc:` URI. */
  readonly avatarUrl?: string | null | undefined;
  /** Verified addresses, in place of all that the homeserver has. */
  readonly emails?: readonly string[] | undefined;
  readonly locked?: boolean | undefined;
}

/** A user as the homeserver has it. */
export interface HomeserverAccount extends HomeserverUser {
  /** `@localpart:server`, with the homeserver's own idea of its name. */
  readonly userId: string;
  readonly displayname: string | null;
  readonly avatarUrl: string | null;
  readonly deactivated: boolean;
  readonly suspended: boolean;
}

/** Whether a new user may have a localpart. `reserved`: kept for an application service. */
export type LocalpartVerdict = 'available' | 'taken' | 'invalid' | 'reserved';

/** A device of a user. */
export interface HomeserverDevice extends HomeserverUser {
  readonly deviceId: DeviceId;
  /** Left out: a device that exists keeps its name. */
  readonly displayname?: string | undefined;
}

/** A device as the homeserver has it. */
export interface KnownDevice {
  readonly deviceId: DeviceId;
  /** No session belongs to it: it keeps keys while the person is signed out. */
  readonly dehydrated: boolean;
}

/** What the homeserver knows of whose a user is. */
export interface HomeserverOwner {
  /** Addresses that the homeserver takes for the person's own. */
  readonly emails: readonly string[];
  /** An active account of a person: no administrator, bot, guest, or user of an application service. */
  readonly isOrdinary: boolean;
}

/**
 * The verbs. Each is idempotent, so that a call whose answer was lost is made again, and throws `Unavailable` if the homeserver cannot be
 * asked or told now. A verb about a user that the homeserver does not have throws {@link UnknownUser}; one about a device that is not there
 * is done.
 */
export interface Homeserver {
  /** False if there is nobody to tell: then nothing is queued either. */
  readonly listens: boolean;
  findUser(user: HomeserverUser): Promise<HomeserverAccount | undefined>;
  judgeLocalpart(user: HomeserverUser): Promise<LocalpartVerdict>;
  /** Creates the user if there is none. */
  provisionUser(profile: HomeserverProfile): Promise<void>;
  upsertDevice(device: HomeserverDevice): Promise<void>;
  /** An empty name takes the name away. */
  renameDevice(device: HomeserverDevice & { readonly displayname: string }): Promise<void>;
  deleteDevice(device: HomeserverDevice): Promise<void>;
  /** To whom a user belongs, asked with one of our access tokens that has the admin scope. */
  findOwner(of: {
    readonly userId: string;
    readonly accessToken: string;
  }): Promise<HomeserverOwner | undefined>;
  /** All devices of a user, asked with one of our access tokens that has the admin scope. */
  listDevices(of: { readonly userId: string; readonly accessToken: string }): Promise<readonly KnownDevice[]>;
  /** `erase`: what the user sent is hidden from those who join later, and the profile is emptied. */
  deactivateUser(user: HomeserverUser & { readonly erase: boolean }): Promise<void>;
  reactivateUser(user: HomeserverUser): Promise<void>;
  /** Lets the user replace their cross-signing keys without further proof, for ten minutes. */
  allowCrossSigningReset(user: HomeserverUser): Promise<void>;
  /** Lets go of connections. */
  close(): Promise<void>;
}

/** The homeserver has no such user: telling it again does not help. */
export class UnknownUser extends Error {
  override readonly name = 'UnknownUser';

  constructor(localpart: string) {
    super(`the homeserver has no user with the localpart ${localpart}`);
  }
}
