/** Client assertions: `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core section 9), for static clients. */
import type { ClientId } from '../../protocol/identifiers.ts';
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../protocol/clock.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { hashSecret } from '../../protocol/token-format.ts';
import { recordClientAssertion } from '../../storage/records/clients.ts';
import type { Database } from '../../storage/engine/database.ts';

/** The only `client_assertion_type` there is. */
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What an assertion may be signed with. */
export const assertionAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
];

const LENGTH_LIMIT = 8192;
/** How far ahead its end may be, in seconds, and how far the client's clock from ours. */
const LIFETIME_SECONDS = 300;
const SKEW_SECONDS = 30;
const JTI_LIMIT = 255;

export interface AssertionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly issuer: string;
}

/** Why an assertion was not accepted: for the log, without any of it. */
export class AssertionFault extends Error {
  override readonly name = 'AssertionFault';
}

/** Whom an assertion claims to come from; nothing is verified yet. Throws {@link AssertionFault}. */
export function readAssertionSubject(assertion: string): string {
  if (assertion.length > LENGTH_LIMIT) throw new AssertionFault('the assertion is too long');
  let subject: unknown;
  try {
    subject = decodeJwt(assertion).sub;
  } catch {
    throw new AssertionFault('the assertion is not a JWT');
  }
  if (typeof subject !== 'string') throw new AssertionFault('the assertion has no subject');
  return subject;
}

/**
 * Verifies an assertion of the client `clientId` by its keys and notes that it was used: each counts once. Its audience is our issuer, or the token
 * or pushed request endpoint, and nobody else. Throws {@link AssertionFault}, or `Unavailable` for the database.
 */
export async function verifyAssertion(
  deps: AssertionDeps,
  input: { assertion: string; clientId: ClientId; keys: JSONWebKeySet },
): Promise<void> {
  const { clientId } = input;
  const payload = await verifySignature(deps, input);
  const now = deps.clock.now() / 1000;
  const { exp, iat, jti, aud } = payload;
  if (typeof exp !== 'number' || !Number.isFinite(exp) || exp > now + LIFETIME_SECONDS + SKEW_SECONDS) {
    throw new AssertionFault(`exp is more than ${LIFETIME_SECONDS} seconds ahead`);
  }
  if (iat !== undefined && (!Number.isFinite(iat) || iat > now + SKEW_SECONDS)) {
    throw new AssertionFault('iat is in the future');
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_LIMIT) {
    throw new AssertionFault('jti is missing or too long');
  }
  const foreign = [aud].flat().some((each) => each === undefined || !audiences(deps.issuer).includes(each));
  if (foreign) throw new AssertionFault('aud names somebody else too');
  const fresh = await deps.db.write((tx) =>
    recordClientAssertion(tx, {
      hash: hashSecret(JSON.stringify([clientId, jti])),
      expiresAt: Math.ceil(exp + SKEW_SECONDS) * 1000,
    }),
  );
  if (!fresh) throw new AssertionFault('the assertion was used before');
}

async function verifySignature(
  deps: AssertionDeps,
  { assertion, clientId, keys }: { assertion: string; clientId: ClientId; keys: JSONWebKeySet },
): Promise<JWTPayload> {
  const options = {
    algorithms: assertionAlgorithms,
    issuer: clientId,
    subject: clientId,
    audience: audiences(deps.issuer),
    clockTolerance: SKEW_SECONDS,
    currentDate: new Date(deps.clock.now()),
    requiredClaims: ['exp', 'jti'],
  };
  try {
    return (await jwtVerify(assertion, createLocalJWKSet(keys), options)).payload;
  } catch (error) {
    // Without a kid, or with one that two keys have, each is tried.
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      for await (const key of error) {
        const verified = await jwtVerify(assertion, key, options).catch(() => undefined);
        if (verified !== undefined) return verified.payload;
      }
    }
    const { code } = error as { code?: unknown };
    throw new AssertionFault(
      `the assertion does not hold: ${typeof code === 'string' ? code : 'it cannot be read'}`,
    );
  }
}

/** RFC 7523 section 3 and its revision: the issuer or the token endpoint; RFC 9126 section 2: the pushed request endpoint too. */
function audiences(issuer: string): string[] {
  return [issuer, endpointUrl(issuer, 'oauth2/token'), endpointUrl(issuer, 'oauth2/par')];
}
