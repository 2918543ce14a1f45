/** A database as months of use would have left it, written without the service. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../src/protocol/clock.ts';
import { formatSecret, hashSecret, issueSecret, type SecretKind } from '../src/protocol/token-format.ts';
import type { Database } from '../src/storage/engine/database.ts';
import { openDatabase } from '../src/storage/engine/open-database.ts';

/** Files with one secret a line. */
export interface Seeded {
  readonly clientId: string;
  /** Access tokens in use. */
  readonly accessFile: string;
  /** Refresh tokens of sessions of their own. */
  readonly refreshFile: string;
  /** Authorization codes, each of a device of its own. */
  readonly codeFile: string;
  readonly verifier: string;
}

export const REDIRECT_URI = 'https://client.example.com/callback';

const SESSIONS_A_USER = 4;
const BATCH = 500;
/** Tokens that the load generator asks for; beyond some ten thousand it only makes itself slow. */
const ASKED_FOR = 20_000;

/** Fills the database at `url`: sessions with one used access token and one refresh token each, and authorization codes. */
export async function seed(
  url: string,
  folder: string,
  wanted: { sessions: number; codes: number },
): Promise<Seeded> {
  const db = await openDatabase({
    url,
    clock: systemClock,
    random: systemRandom,
    transactionLimitMs: 60_000,
  });
  try {
    const clientId = 'bench-client';
    await insertClient(db, clientId);
    await insertUsers(db, Math.ceil(wanted.sessions / SESSIONS_A_USER));
    await inBatches(wanted.sessions, (from, to) => insertSessions(db, clientId, from, to));
    const verifier = randomBytes(32).toString('base64url');
    const codes: string[] = [];
    await inBatches(wanted.codes, async (from, to) => {
      codes.push(...(await insertCodes(db, { clientId, verifier }, from, to)));
    });
    const listed = Math.min(wanted.sessions, ASKED_FOR);
    const spread = Math.max(1, Math.floor(wanted.sessions / listed));
    const secrets = (kind: SecretKind): string[] =>
      Array.from({ length: listed }, (_one, index) => secretOf(kind, index * spread));
    const write = (name: string, lines: string[]): string => {
      const file = join(folder, name);
      writeFileSync(file, lines.join('\n'), { mode: 0o600 });
      return file;
    };
    return {
      clientId,
      verifier,
      accessFile: write('access-tokens', secrets('accessToken')),
      refreshFile: write('refresh-tokens', secrets('refreshToken').reverse()),
      codeFile: write('codes', codes),
    };
  } finally {
    await db.close();
  }
}

/** The secret of a session by its number: no list of a million has to be kept. */
function secretOf(kind: SecretKind, index: number): string {
  return formatSecret(
    kind,
    createHash('sha256')
      .update(`bench ${kind} ${String(index)}`)
      .digest(),
  );
}

const idOf = (kind: string, index: number): string => `${kind}${String(index).padStart(9, '0')}`;

async function inBatches(count: number, insert: (from: number, to: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += BATCH) await insert(from, Math.min(from + BATCH, count));
}

function range<T>(from: number, to: number, make: (index: number) => T): T[] {
  return Array.from({ length: to - from }, (_one, offset) => make(from + offset));
}

async function insertClient(db: Database, id: string): Promise<void> {
  const now = systemClock.now();
  const metadata = {
    client_uri: 'https://client.example.com/',
    application_type: 'web',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  const values = {
    id,
    metadata_json: JSON.stringify(metadata),
    metadata_hash: null,
    secret_hash: null,
    created_at: now,
    last_used_at: now,
  };
  await db.write((tx) => tx.insertInto('clients').values(values).execute());
}

async function insertUsers(db: Database, count: number): Promise<void> {
  const now = systemClock.now();
  await inBatches(count, async (from, to) => {
    const rows = range(from, to, (index) => ({
      id: idOf('u', index),
      localpart: `person${String(index)}`,
      displayname: null,
      created_at: now,
      locked_at: null,
      deactivated_at: null,
    }));
    await db.writeSoon((tx) => tx.insertInto('users').values(rows).execute());
  });
}

async function insertSessions(db: Database, clientId: string, from: number, to: number): Promise<void> {
  const now = systemClock.now();
  const sessions = range(from, to, (index) => ({
    id: idOf('s', index),
    user_id: idOf('u', Math.floor(index / SESSIONS_A_USER)),
    client_id: clientId,
    device_id: `DEVICE${String(index)}`,
    scope: `urn:matrix:client:api:* urn:matrix:client:device:DEVICE${String(index)}`,
    origin: 'authorization_code' as const,
    authenticated_at: null,
    upstream_sid: null,
    created_at: now,
    last_active_at: now,
    ended_at: null,
    end_reason: null,
  }));
  const pairs = range(from, to, (index) => ({
    session_id: idOf('s', index),
    access: hashSecret(secretOf('accessToken', index)),
    refresh: hashSecret(secretOf('refreshToken', index)),
  }));
  const refresh = pairs.map(({ session_id, access, refresh: hash }) => ({
    hash,
    session_id,
    generation: 0,
    predecessor_hash: null,
    refresh_nonce: null,
    access_nonce: null,
    access_hash: access,
    created_at: now,
    consumed_at: null,
    used_at: now,
  }));
  const access = pairs.map(({ session_id, access: hash, refresh: refresh_hash }) => ({
    hash,
    session_id,
    refresh_hash,
    scope: null,
    created_at: now,
    expires_at: now + 24 * 3_600_000,
    first_used_at: now,
  }));
  await db.writeSoon(async (tx) => {
    await tx.insertInto('sessions').values(sessions).execute();
    await tx.insertInto('refresh_tokens').values(refresh).execute();
    await tx.insertInto('access_tokens').values(access).execute();
  });
}

async function insertCodes(
  db: Database,
  { clientId, verifier }: { clientId: string; verifier: string },
  from: number,
  to: number,
): Promise<string[]> {
  const now = systemClock.now();
  const codes = range(from, to, () => issueSecret('authorizationCode', systemRandom));
  const rows = codes.map((code, offset) => ({
    hash: hashSecret(code),
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    scope: `urn:matrix:client:api:* urn:matrix:client:device:CODE${String(from + offset)}`,
    nonce: null,
    user_id: idOf('u', (from + offset) % 100),
    device_id: `CODE${String(from + offset)}`,
    authenticated_at: null,
    upstream_sid: null,
    created_at: now,
    expires_at: now + 24 * 3_600_000,
    consumed_at: null,
    session_id: null,
  }));
  await db.writeSoon((tx) => tx.insertInto('authorization_codes').values(rows).execute());
  return codes;
}
