import type { ClientId, InternalUserId } from '../protocol/identifiers.ts';
import { createHash } from 'node:crypto';
import { ID_TOKEN_LIFETIME } from '../signing-keys/key-schedule.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

export interface IdTokenInput {
  readonly issuer: string;
  readonly userId: InternalUserId;
  readonly clientId: ClientId;
  readonly accessToken: string;
  readonly nonce: string | null;
  /** Milliseconds since the epoch; null if the IdP did not tell. */
  readonly authenticatedAt: number | null;
  readonly now: number;
}

/** An ID token (OpenID Connect Core section 2): for older matrix-js-sdk, which demands one. */
export function signIdToken(keys: Pick<SigningKeys, 'sign'>, input: IdTokenInput): Promise<string> {
  const issuedAt = Math.floor(input.now / 1000);
  return keys.sign({
    iss: input.issuer,
    sub: input.userId,
    aud: input.clientId,
    iat: issuedAt,
    exp: issuedAt + ID_TOKEN_LIFETIME / 1000,
    ...(input.authenticatedAt === null ? {} : { auth_time: Math.floor(input.authenticatedAt / 1000) }),
    ...(input.nonce === null ? {} : { nonce: input.nonce }),
    at_hash: createHash('sha256').update(input.accessToken).digest().subarray(0, 16).toString('base64url'),
  });
}
