import {
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose';
import type { EmitEvent } from '../observability/events.ts';
import type { Clock } from '../protocol/clock.ts';
import { type SignClaims, type SigningAlgorithm, signingAlgorithms } from '../protocol/signing-algorithms.ts';
import { type ChangeWatcher, noteChange } from '../storage/changes.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Sealer } from '../storage/sealed.ts';
import {
  deleteSigningKeys,
  insertSigningKey,
  listSigningKeys,
  type SigningKeyRecord,
} from '../storage/records/signing-keys.ts';
import { activeKey, publishedKeys } from './key-schedule.ts';

export interface SigningKeys {
  /** Public keys, newest first, as `/oauth2/jwks` publishes them. */
  published(): Promise<readonly JWK[]>;
  readonly sign: SignClaims;
}

export interface SigningKeyDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

/**
 * Opens the keys. The first one of an algorithm is made when it is first needed, that of ID tokens at once. They are read again when another process changed them, within a second (`changes`); while the
 * database does not answer, those that are known go on. Throws if a key that signs cannot be opened.
 */
export async function openSigningKeys(
  deps: SigningKeyDeps & { changes?: ChangeWatcher },
): Promise<SigningKeys> {
  let records = await listSigningKeys(deps.db.query);
  let stale = false;
  deps.changes?.subscribe('signing_keys', () => {
    stale = true;
  });
  const current = async (): Promise<readonly SigningKeyRecord[]> => {
    if (!stale) return records;
    stale = false;
    try {
      records = await listSigningKeys(deps.db.query);
    } catch {
      stale = true;
    }
    return records;
  };
  const makeFirst = async (algorithm: SigningAlgorithm): Promise<void> => {
    await addKey(deps, algorithm, (existing) => existing.every(({ alg }) => alg !== algorithm));
    stale = true;
  };
  const opened = new Map<SigningAlgorithm, { readonly kid: string; readonly key: Promise<CryptoKey> }>();
  const signer = async (algorithm: SigningAlgorithm): Promise<{ kid: string; key: CryptoKey }> => {
    const active = async (): Promise<SigningKeyRecord | undefined> =>
      activeKey(await current(), algorithm, deps.clock.now());
    const record = (await active()) ?? (await makeFirst(algorithm).then(active));
    if (record === undefined) throw new Error(`there is no signing key for ${algorithm}`);
    const { kid } = record;
    const known = opened.get(algorithm);
    if (known?.kid === kid) return { kid, key: await known.key };
    const key = openKey(deps.sealer, record);
    opened.set(algorithm, { kid, key });
    return { kid, key: await key };
  };
  await signer('RS256');
  return {
    published: async () =>
      publishedKeys(await current(), deps.clock.now()).map(
        (record) => JSON.parse(record.public_jwk_json) as JWK,
      ),
    async sign(claims, { typ, alg } = { typ: 'JWT', alg: 'RS256' }) {
      const { kid, key } = await signer(alg);
      return new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, typ }).sign(key);
    },
  };
}

/**
 * Makes a new key of each algorithm that there are keys of, which signs once it has been published for ten minutes. With `atOnce`, for keys that others may have got hold of, all
 * earlier ones are deleted: tokens that they signed are refused by those who look. Returns the new keys' ids.
 */
export function rotateSigningKeys(deps: SigningKeyDeps, { atOnce = false } = {}): Promise<string[]> {
  return addKeys(deps, () => true, atOnce);
}

/** As {@link rotateSigningKeys}, for the algorithms whose newest key is older than `maxAge` milliseconds. */
export function rotateOldSigningKeys(deps: SigningKeyDeps, maxAge: number): Promise<string[]> {
  return addKeys(deps, (ofAlgorithm) =>
    ofAlgorithm.every((record) => record.created_at + maxAge <= deps.clock.now()),
  );
}

async function addKeys(
  deps: SigningKeyDeps,
  isDue: (ofAlgorithm: readonly SigningKeyRecord[]) => boolean,
  atOnce = false,
): Promise<string[]> {
  const kids: string[] = [];
  const existing = await listSigningKeys(deps.db.query);
  for (const algorithm of signingAlgorithms) {
    const isWanted = (records: readonly SigningKeyRecord[]): boolean => {
      const ofAlgorithm = records.filter(({ alg }) => alg === algorithm);
      return ofAlgorithm.length > 0 && isDue(ofAlgorithm);
    };
    const kid = isWanted(existing) ? await addKey(deps, algorithm, isWanted, atOnce) : undefined;
    if (kid !== undefined) kids.push(kid);
  }
  return kids;
}

/** Adds a key if the keys that are there by then still call for it; what nobody needs any more is deleted with it. */
async function addKey(
  deps: SigningKeyDeps,
  algorithm: SigningAlgorithm,
  isWanted: (existing: readonly SigningKeyRecord[]) => boolean,
  atOnce = false,
): Promise<string | undefined> {
  const fresh = await generateRecord(deps, algorithm);
  const kid = await deps.db.write(async (tx) => {
    // First, as it also makes whoever adds a key wait for the others who do.
    await noteChange(tx, 'signing_keys');
    const existing = await listSigningKeys(tx);
    if (!isWanted(existing)) return undefined;
    await insertSigningKey(tx, fresh);
    const ofAlgorithm = existing.filter(({ alg }) => alg === algorithm);
    const spent = atOnce ? ofAlgorithm : spentKeys([fresh, ...ofAlgorithm], deps.clock.now());
    if (spent.length > 0)
      await deleteSigningKeys(
        tx,
        spent.map(({ kid }) => kid),
      );
    return fresh.kid;
  });
  if (kid !== undefined) deps.emit('signing_key_made', { key: kid });
  return kid;
}

/** Those that nobody needs any more. */
function spentKeys(all: readonly SigningKeyRecord[], now: number): SigningKeyRecord[] {
  const published = publishedKeys(all, now);
  return all.filter((record) => !published.includes(record));
}

async function openKey(sealer: Sealer, record: SigningKeyRecord): Promise<CryptoKey> {
  const jwk = JSON.parse(sealer.open(record.private_jwk_sealed, sealContext(record.kid))) as JWK;
  return (await importJWK(jwk, record.alg)) as CryptoKey;
}

async function generateRecord(
  deps: Pick<SigningKeyDeps, 'sealer' | 'clock'>,
  algorithm: SigningAlgorithm,
): Promise<SigningKeyRecord> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, {
    ...(algorithm === 'RS256' ? { modulusLength: 2048 } : {}),
    extractable: true,
  });
  const publicJwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  return {
    kid,
    alg: algorithm,
    public_jwk_json: JSON.stringify({ ...publicJwk, kid, alg: algorithm, use: 'sig' }),
    private_jwk_sealed: deps.sealer.seal(JSON.stringify(await exportJWK(privateKey)), sealContext(kid)),
    created_at: deps.clock.now(),
  };
}

function sealContext(kid: string): string {
  return `signing_keys:${kid}`;
}
