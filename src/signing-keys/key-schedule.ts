/** Which signing key does what at which moment: a pure function of the keys and the time, so that all processes agree without talking. */
import type { SigningKeyRecord } from '../storage/records/signing-keys.ts';

const MINUTE = 60_000;

/** How long a new key is published before it signs, in milliseconds: as long as others may keep the key set. */
export const PREPUBLISH = 10 * MINUTE;

/**
 * How long an ID token is valid, in milliseconds. It is read once, right after the token response, but matrix-js-sdk up to 41.9 tolerates no clock difference:
 * with five minutes, a device with a clock six minutes fast could not sign in.
 */
export const ID_TOKEN_LIFETIME = 60 * MINUTE;

/** How long an access token that is a JWT is valid at most, in milliseconds. */
export const LONGEST_JWT = 24 * 60 * MINUTE;

/** How long a key is published after it last signed, in milliseconds: until its last token has expired, also by a clock that is ten minutes slow. */
export const RETENTION = LONGEST_JWT + 10 * MINUTE;

/** Keys of one algorithm succeed each other; those of another are no matter. */
type Keyed = Pick<SigningKeyRecord, 'kid' | 'created_at' | 'alg'>;

/** The key that signs with an algorithm: the newest that has been published long enough, or else the oldest. `undefined` if there is none. */
export function activeKey<K extends Keyed>(
  keys: readonly K[],
  algorithm: string,
  now: number,
): K | undefined {
  const sorted = newestFirst(keys).filter(({ alg }) => alg === algorithm);
  return sorted.find((key) => key.created_at + PREPUBLISH <= now) ?? sorted.at(-1);
}

/** The keys to publish, newest first: those to come, the one that signs, and those whose last token may still be good. */
export function publishedKeys<K extends Keyed>(keys: readonly K[], now: number): K[] {
  const sorted = newestFirst(keys);
  return sorted.filter((key, index) => {
    const successor = sorted.slice(0, index).findLast(({ alg }) => alg === key.alg);
    return successor === undefined || successor.created_at + PREPUBLISH + RETENTION > now;
  });
}

/** What each key does at the moment, newest first. `over`: nothing any more. */
export function keyStates<K extends Keyed>(
  keys: readonly K[],
  now: number,
): { readonly key: K; readonly state: 'signs' | 'published' | 'over' }[] {
  const published = publishedKeys(keys, now);
  return newestFirst(keys).map((key) => ({
    key,
    state: key === activeKey(keys, key.alg, now) ? 'signs' : published.includes(key) ? 'published' : 'over',
  }));
}

function newestFirst<K extends Keyed>(keys: readonly K[]): K[] {
  return keys.toSorted((a, b) => b.created_at - a.created_at || (a.kid < b.kid ? -1 : 1));
}
