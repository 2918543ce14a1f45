/** Matrix identifiers (appendices, "User Identifiers") and the ids of our own records. */
import type { Random } from './clock.ts';

/**
 * Ids that must not be mixed. A plain string becomes one where it comes in (a row, a parameter, a test); from there on the compiler refuses one kind
 * where another is due.
 */
type Id<Of extends string> = string & { readonly __of?: Of };

/** Of a user in the database; what Matrix calls a user ID is made of the localpart (`userId`). */
export type InternalUserId = Id<'user'>;
export type SessionId = Id<'session'>;
/** An OAuth client's `client_id`. */
export type ClientId = Id<'client'>;
/** As Matrix knows it, of one user. */
export type DeviceId = Id<'device'>;

/** Whether these are the characters of a localpart, and there are any. */
export function isLocalpart(text: string): boolean {
  return /^[a-z0-9._=/+-]+$/.test(text);
}

/** Localparts are in lower case, and hold no letter but a-z (appendices, "User Identifiers"). */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
}

/** The longest user id, sigil and server name included. */
const USER_ID_LIMIT = 255;

/** Why a text cannot be a localpart on this server; `undefined` if it can. */
export function localpartFault(localpart: string, serverName: string): string | undefined {
  if (localpart === '') return 'it is empty';
  if (!isLocalpart(localpart)) return 'only a-z, 0-9 and . _ = / + - are allowed in a Matrix user ID';
  if (Buffer.byteLength(userId(localpart, serverName)) > USER_ID_LIMIT)
    return 'the user ID would be longer than 255 bytes';
  return undefined;
}

/** `@localpart:server_name`. */
export function userId(localpart: string, serverName: string): string {
  return `@${localpart}:${serverName}`;
}

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new id for a record of our own: 10 characters of time and 16 of randomness (a ULID in lower case), so that ids sort by age and
 * can be shown, logged and put in a URL. Not a secret.
 */
export function newRecordId(now: number, random: Random): string {
  let time = '';
  for (let rest = now, digit = 0; digit < 10; digit++) {
    time = CROCKFORD.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let tail = '';
  for (const byte of random(16)) tail += CROCKFORD.charAt(byte & 31);
  return time + tail;
}
