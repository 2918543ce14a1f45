import type { ClientId, InternalUserId } from '../protocol/identifiers.ts';
import { createHash } from 'node:crypto';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/**
 * Seconds that an ID token is good for. It is read once, right after the token answer, but matrix-js-sdk up to 41.9 allows for no difference of the clocks: with five
 * minutes a device whose clock is six minutes fast could not sign in.
 */
const LIFETIME_SECONDS = 3600;

export interface IdTokenInput {
  readonly issuer: string;
  readonly userId: InternalUserId;
  readonly clientId: ClientId;
  readonly accessToken: string;
  readonly nonce: string | null;
  /** Milliseconds since the epoch; null where the IdP did not tell. */
  readonly authenticatedAt: number | null;
  readonly now: number;
}

/** An ID token (OpenID Connect Core section 2): for older matrix-js-sdk, which demands one. */
export function signIdToken(keys: SigningKeys, input: IdTokenInput): Promise<string> {
  const issuedAt = Math.floor(input.now / 1000);
  return keys.sign({
    iss: input.issuer,
    sub: input.userId,
    aud: input.clientId,
    iat: issuedAt,
    exp: issuedAt + LIFETIME_SECONDS,
    ...(input.authenticatedAt === null ? {} : { auth_time: Math.floor(input.authenticatedAt / 1000) }),
    ...(input.nonce === null ? {} : { nonce: input.nonce }),
    at_hash: createHash('sha256').update(input.accessToken).digest().subarray(0, 16).toString('base64url'),
  });
}
