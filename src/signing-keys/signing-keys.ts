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

const ALGORITHM = 'RS256';

export interface SigningKeys {
  /** Public keys, newest first, as `/oauth2/jwks` publishes them. */
  published(): Promise<readonly JWK[]>;
  /** Signs claims with the key whose turn it is. Times are set by the caller. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface SigningKeyDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

/**
 * Opens the keys; makes the first one where there is none. They are read again when another process changed them, within a second (`changes`); while the
 * database does not answer, those that are known go on. Throws where the key that signs cannot be opened.
 */
export async function openSigningKeys(
  deps: SigningKeyDeps & { changes?: ChangeWatcher },
): Promise<SigningKeys> {
  let records = await listSigningKeys(deps.db.query);
  if (records.length === 0) {
    await addKey(deps, (existing) => existing.length === 0);
    records = await listSigningKeys(deps.db.query);
  }
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
  const opened = new Map<string, Promise<CryptoKey>>();
  const signer = async (): Promise<{ kid: string; key: CryptoKey }> => {
    const record = activeKey(await current(), deps.clock.now());
    if (record === undefined) throw new Error('there is no signing key');
    const { kid } = record;
    const known = opened.get(kid);
    if (known !== undefined) return { kid, key: await known };
    opened.clear();
    const opening = openKey(deps.sealer, record);
    opened.set(kid, opening);
    return { kid, key: await opening };
  };
  await signer();
  return {
    published: async () =>
      publishedKeys(await current(), deps.clock.now()).map(
        (record) => JSON.parse(record.public_jwk_json) as JWK,
      ),
    async sign(claims) {
      const { kid, key } = await signer();
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' }).sign(key);
    },
  };
}

/**
 * Makes a new key, which signs once it has been published for ten minutes. With `atOnce`, for a key that others may have got hold of, all
 * earlier ones are deleted: ID tokens that they signed are refused by those who look. Returns the new key's id.
 */
export async function rotateSigningKeys(deps: SigningKeyDeps, { atOnce = false } = {}): Promise<string> {
  const kid = await addKey(deps, () => true, atOnce);
  if (kid === undefined) throw new Error('no key was made');
  return kid;
}

/** As {@link rotateSigningKeys}, where the newest key is older than `maxAge` milliseconds; `undefined` where it is not. */
export async function rotateOldSigningKeys(
  deps: SigningKeyDeps,
  maxAge: number,
): Promise<string | undefined> {
  const isDue = (records: readonly SigningKeyRecord[]): boolean =>
    records.every((record) => record.created_at + maxAge <= deps.clock.now());
  return isDue(await listSigningKeys(deps.db.query)) ? addKey(deps, isDue) : undefined;
}

/** Adds a key where the keys that are there by then still call for it; what nobody needs any more is deleted with it. */
async function addKey(
  deps: SigningKeyDeps,
  isWanted: (existing: readonly SigningKeyRecord[]) => boolean,
  atOnce = false,
): Promise<string | undefined> {
  const fresh = await generateRecord(deps);
  const kid = await deps.db.write(async (tx) => {
    // First, as it also makes whoever adds a key wait for the others who do.
    await noteChange(tx, 'signing_keys');
    const existing = await listSigningKeys(tx);
    if (!isWanted(existing)) return undefined;
    await insertSigningKey(tx, fresh);
    const spent = atOnce ? existing : spentKeys([fresh, ...existing], deps.clock.now());
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
  return (await importJWK(jwk, ALGORITHM)) as CryptoKey;
}

async function generateRecord(deps: Pick<SigningKeyDeps, 'sealer' | 'clock'>): Promise<SigningKeyRecord> {
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
  };
}

function sealContext(kid: string): string {
  return `signing_keys:${kid}`;
}
