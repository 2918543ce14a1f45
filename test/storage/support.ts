/** Rows and child processes for the storage tests. */
import { type ChildProcess, fork, type ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { hashSecret, type SecretHash } from '../../src/protocol/token-format.ts';
import { insertClient } from '../../src/storage/records/clients.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import type { Session } from '../../src/storage/records/sessions.ts';
import { insertSession } from '../../src/storage/records/sessions.ts';
import { insertAccessToken, insertRefreshToken } from '../../src/storage/records/tokens.ts';
import { insertUser } from '../../src/storage/records/users.ts';

type Transaction = Parameters<Parameters<Database['write']>[0]>[0];

export const NOW = 1_790_000_000_000;

export async function addUser(tx: Transaction, id: string): Promise<void> {
  await insertUser(tx, {
    id,
    localpart: `localpart-${id}`,
    displayname: null,
    created_at: NOW,
    locked_at: null,
    deactivated_at: null,
  });
}

export async function addClient(tx: Transaction, id: string, lastUsedAt = NOW): Promise<void> {
  await insertClient(tx, {
    id,
    metadata_json: '{}',
    metadata_hash: `hash of ${id}`,
    secret_hash: null,
    created_at: NOW,
    last_used_at: lastUsedAt,
  });
}

export async function addSession(
  tx: Transaction,
  session: Partial<Session> & { id: string; user_id: string; client_id: string },
): Promise<void> {
  await insertSession(tx, {
    device_id: `device of ${session.id}`,
    scope: 'urn:matrix:client:api:*',
    origin: 'authorization_code',
    authenticated_at: null,
    created_at: NOW,
    last_active_at: NOW,
    ended_at: null,
    end_reason: null,
    ...session,
  });
}

/** A pair of tokens whose secrets are `<name> access` and `<name> refresh`. */
export async function addTokens(
  tx: Transaction,
  pair: { sessionId: string; name: string; expiresAt?: number | null },
): Promise<{ access: SecretHash; refresh: SecretHash }> {
  const access = hashSecret(`${pair.name} access`);
  const refresh = hashSecret(`${pair.name} refresh`);
  await insertRefreshToken(tx, {
    hash: refresh,
    session_id: pair.sessionId,
    generation: 0,
    predecessor_hash: null,
    refresh_nonce: null,
    access_nonce: null,
    access_hash: access,
    created_at: NOW,
    consumed_at: null,
    used_at: null,
  });
  await insertAccessToken(tx, {
    hash: access,
    session_id: pair.sessionId,
    refresh_hash: refresh,
    scope: null,
    created_at: NOW,
    expires_at: pair.expiresAt === undefined ? NOW + 600_000 : pair.expiresAt,
    first_used_at: null,
  });
  return { access, refresh };
}

/** Starts a script of `workers/` in a process of its own. */
export function startWorker(script: string, args: string[], options: ForkOptions = {}): ChildProcess {
  return fork(fileURLToPath(new URL(`workers/${script}.ts`, import.meta.url)), args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    ...options,
  });
}

/** The next message of a worker; rejects with what it printed when it ends without one. */
export async function messageOf<T>(worker: ChildProcess): Promise<T> {
  let printed = '';
  worker.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = once(worker, 'exit').then(([code, signal]: unknown[]) => {
    throw new Error(`the worker ended (${String(code ?? signal)}): ${printed}`);
  });
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(worker, 'message'), ended])) as [T];
  return message;
}

/** Waits for a worker's end: its exit code, or the signal that ended it. */
export async function endOf(worker: ChildProcess): Promise<number | string> {
  if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
  return worker.exitCode ?? worker.signalCode ?? 'unknown';
}
