/** Tokens of our own by their form: opaque ones, and JWTs (RFC 9068) of clients that want them. Both are rows of one table: a JWT's `jti` is the hash that its row has. */
import { compactVerify, createLocalJWKSet, errors, type JWK } from 'jose';
import { signingAlgorithms } from '../protocol/signing-algorithms.ts';
import { parseJsonObject } from '../protocol/strict-json.ts';
import { hashSecret, isWellFormedSecret, type SecretHash } from '../protocol/token-format.ts';
import { readJwt } from './jwt/read-jwt.ts';

export interface OwnTokenForms {
  /** Whether it is an access token in our name. A JWT's name is not proved yet. */
  isInOurName(token: string): boolean;
  /** The hash under which one of our own access tokens is stored; `undefined` for anything else, a JWT that we did not sign for one. Nothing is said on whether it is good: its row tells. */
  hashOf(token: string): Promise<SecretHash | undefined>;
}

/** `keys`: the public keys that we publish. */
export function ownTokenForms(deps: {
  readonly issuer: string;
  readonly keys: () => Promise<readonly JWK[]>;
}): OwnTokenForms {
  const isOwnJwt = (token: string): boolean => {
    const reading = readJwt(token);
    if (reading.kind !== 'jwt' || reading.jwt.claims['iss'] !== deps.issuer) return false;
    const { type, claims } = reading.jwt;
    // An ID token has no client_id; its jti, if it had one, would be the name of no row.
    return type === 'at+jwt' || (type === 'jwt' && typeof claims['client_id'] === 'string');
  };
  return {
    isInOurName: (token) => isWellFormedSecret('accessToken', token) || isOwnJwt(token),
    async hashOf(token) {
      if (isWellFormedSecret('accessToken', token)) return hashSecret(token);
      return isOwnJwt(token) ? verifiedJti(token, await deps.keys()) : undefined;
    },
  };
}

/** Its times are not looked at: those of the row count, and who holds a token that has expired may still revoke it. */
async function verifiedJti(token: string, keys: readonly JWK[]): Promise<SecretHash | undefined> {
  try {
    const { payload } = await compactVerify(token, createLocalJWKSet({ keys: [...keys] }), {
      algorithms: [...signingAlgorithms],
    });
    const { jti } = parseJsonObject(Buffer.from(payload).toString('utf8'));
    return typeof jti === 'string' && /^[A-Za-z0-9_-]{43}$/.test(jti) ? (jti as SecretHash) : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}
