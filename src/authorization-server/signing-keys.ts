/** The keys of ID tokens: RS256, private halves sealed in the database. */
import {
  type CryptoKey,
  type JWK,
  SignJWT,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
} from 'jose';
import type { Clock } from '../protocol/clock.ts';
import type { Database } from '../storage/database.ts';
import type { Sealer } from '../storage/sealed.ts';
import { type SigningKeyRecord, insertSigningKey, listSigningKeys } from '../storage/signing-keys.ts';

const ALGORITHM = 'RS256';

export interface SigningKeys {
  /** Public keys, newest first, as `/oauth2/jwks` publishes them. */
  readonly published: readonly JWK[];
  /** Signs claims with the newest key. Times are set by the caller. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Loads the keys; makes the first one where there is none. */
export async function openSigningKeys(deps: {
  db: Database;
  sealer: Sealer;
  clock: Clock;
}): Promise<SigningKeys> {
  let records = await listSigningKeys(deps.db.query);
  if (records.length === 0) {
    const fresh = await generateRecord(deps);
    records = await deps.db.write(async (tx) => {
      const existing = await listSigningKeys(tx);
      if (existing.length > 0) return existing;
      await insertSigningKey(tx, fresh);
      return [fresh];
    });
  }
  const [newest] = records;
  if (newest === undefined) throw new Error('there is no signing key');
  const privateJwk = JSON.parse(deps.sealer.open(newest.private_jwk_sealed, sealContext(newest.kid))) as JWK;
  const key = (await importJWK(privateJwk, ALGORITHM)) as CryptoKey;
  return {
    published: records.map((record) => JSON.parse(record.public_jwk_json) as JWK),
    sign: (claims) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ALGORITHM, kid: newest.kid, typ: 'JWT' })
        .sign(key),
  };
}

async function generateRecord(deps: { sealer: Sealer; clock: Clock }): Promise<SigningKeyRecord> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, {
    modulusLength: 2048,
    extractable: true,
  });
  const publicJwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  return {
    kid,
    alg: ALGORITHM,
    public_jwk_json: JSON.stringify({ ...publicJwk, kid, alg: ALGORITHM, use: 'sig' }),
    private_jwk_sealed: deps.sealer.seal(JSON.stringify(await exportJWK(privateKey)), sealContext(kid)),
    created_at: deps.clock.now(),
    retired_at: null,
  };
}

function sealContext(kid: string): string {
  return `signing_keys:${kid}`;
}
