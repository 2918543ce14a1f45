/** A token that the IdP signed: read strictly, and its signature verified. What its claims must say is judged elsewhere. */
import { compactVerify } from 'jose';
import { decodePart, decodeTextPart, JwsPartFault } from '../../protocol/compact-jws.ts';
import { JsonFault } from '../../protocol/strict-json.ts';
import type { SignatureResult, SignatureVerifier } from '../documents/jwks.ts';
import { parseProviderObject, withoutBlanks } from '../provider-json.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { unavailable } from './login-errors.ts';
import { UpstreamRefusal } from './refusal.ts';
import { SYMMETRIC_ALGORITHMS } from './signature-algorithms.ts';

/** Without its nulls, and without empty texts for claims of the protocol. */
export interface SignedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Record<string, unknown>;
  readonly algorithm: string;
}

/**
 * Verifies by the IdP's keys, or by the client secret if `algorithms` name HS256 and similar algorithms. Throws {@link UpstreamRefusal} of this kind, or
 * Unavailable if the keys are not available.
 */
export async function verifySigned(
  deps: { settings: ResolvedSettings; verifier: SignatureVerifier },
  kind: 'id_token' | 'userinfo' | 'logout_token',
  token: string,
  algorithms: readonly string[],
): Promise<SignedToken> {
  const { header, claims } = readParts(kind, token);
  const result = await verifyByAlgorithm(deps, token, header['alg'], algorithms);
  if (result.ok) return { header, claims, algorithm: result.algorithm };
  const { fault } = result;
  if (fault.kind === 'unknown_key_yet') throw unavailable(fault.reason, fault.retryAfterSeconds);
  throw new UpstreamRefusal(kind, fault.reason);
}

function readParts(
  kind: 'id_token' | 'userinfo' | 'logout_token',
  token: string,
): Pick<SignedToken, 'header' | 'claims'> {
  const [head = '', body = '', signature = '', ...more] = token.split('.');
  if (body === '' || more.length > 0) throw new UpstreamRefusal(kind, 'it is not a JWS of three parts');
  let what = 'header';
  try {
    const header = parseProviderObject(decodeTextPart(head, what));
    // Both change what is signed, and we understand no extension (RFC 7515 section 4.1.11, RFC 7797 section 6).
    const refused = ['crit', 'b64'].find((name) => Object.hasOwn(header, name));
    if (refused !== undefined) throw new JwsPartFault(`its header has ${refused}`);
    decodePart(signature, 'signature');
    what = 'payload';
    return { header, claims: withoutBlanks(parseProviderObject(decodeTextPart(body, what))) };
  } catch (error) {
    if (error instanceof JwsPartFault) throw new UpstreamRefusal(kind, error.message);
    if (error instanceof JsonFault)
      throw new UpstreamRefusal(kind, `its ${what} is malformed: ${error.message}`);
    throw error;
  }
}

async function verifyByAlgorithm(
  deps: { settings: ResolvedSettings; verifier: SignatureVerifier },
  token: string,
  algorithm: unknown,
  algorithms: readonly string[],
): Promise<SignatureResult> {
  const { clientSecret } = deps.settings;
  const symmetric = algorithms.filter((each) => SYMMETRIC_ALGORITHMS.includes(each));
  if (clientSecret === undefined || typeof algorithm !== 'string' || !symmetric.includes(algorithm)) {
    return deps.verifier.verify(token, algorithms);
  }
  try {
    const { payload } = await compactVerify(token, Buffer.from(clientSecret), { algorithms: symmetric });
    return { ok: true, payload, algorithm };
  } catch {
    return {
      ok: false,
      fault: { kind: 'signature', reason: 'the client secret does not verify the signature' },
    };
  }
}
