/**
 * What a refresh is compared with: the statements of one, without anything around them, on the engine's own driver. SQLite: one connection,
 * `synchronous=FULL`, one after the other. PostgreSQL: as many connections as Gatehouse has.
 *
 * `node bench/bare-transactions.ts URL SCRATCH_FILE`; each message from the parent is a number of seconds, the answer a `BareResult`.
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

export interface BareResult {
  readonly transactions: number;
  readonly seconds: number;
}

const TABLES = [
  'create table if not exists bench_sessions (id text primary key, last_active_at bigint not null)',
  'create table if not exists bench_refresh (hash text primary key, session_id text not null, predecessor text, consumed_at bigint)',
  'create table if not exists bench_access (hash text primary key, session_id text not null, refresh_hash text, expires_at bigint)',
];
const POSTGRES_CONNECTIONS = 10;
const newHash = (): string => randomBytes(32).toString('base64url');

const [, , url = '', scratch = ''] = process.argv;
const run = url.startsWith('sqlite:') ? sqlite(scratch) : await postgres(url);
process.on('message', (seconds: number) => {
  void run(seconds).then((result) => process.send?.(result));
});
process.send?.('ready');

function sqlite(file: string): (seconds: number) => Promise<BareResult> {
  const database = new DatabaseSync(file);
  database.exec('pragma journal_mode = wal; pragma synchronous = full');
  for (const table of TABLES) database.exec(table);
  let last = newHash();
  database.prepare('insert or ignore into bench_sessions values (?, 0)').run('session');
  database.prepare('insert into bench_refresh values (?, ?, null, null)').run(last, 'session');
  const find = database.prepare('select * from bench_refresh where hash = ?');
  const touch = database.prepare('update bench_sessions set last_active_at = ? where id = ?');
  const consume = database.prepare('update bench_refresh set consumed_at = ? where hash = ?');
  const addRefresh = database.prepare('insert into bench_refresh values (?, ?, ?, null)');
  const addAccess = database.prepare('insert into bench_access values (?, ?, ?, ?)');
  return (seconds) => {
    const began = performance.now();
    const end = began + seconds * 1000;
    let transactions = 0;
    while (performance.now() < end) {
      const next = newHash();
      database.exec('begin immediate');
      find.get(last);
      touch.run(transactions, 'session');
      consume.run(transactions, last);
      addRefresh.run(next, 'session', last);
      addAccess.run(newHash(), 'session', next, transactions);
      database.exec('commit');
      last = next;
      transactions++;
    }
    return Promise.resolve({ transactions, seconds: (performance.now() - began) / 1000 });
  };
}

async function postgres(connectionString: string): Promise<(seconds: number) => Promise<BareResult>> {
  const pool = new pg.Pool({ connectionString, max: POSTGRES_CONNECTIONS });
  pool.on('error', () => undefined);
  for (const table of TABLES) await pool.query(table);
  return async (seconds) => {
    const began = performance.now();
    const end = began + seconds * 1000;
    let transactions = 0;
    const drive = async (): Promise<void> => {
      const client = await pool.connect();
      const session = newHash();
      let last = newHash();
      await client.query('insert into bench_sessions values ($1, 0)', [session]);
      await client.query('insert into bench_refresh values ($1, $2, null, null)', [last, session]);
      while (performance.now() < end) {
        const next = newHash();
        await client.query('begin');
        await client.query('select * from bench_refresh where hash = $1', [last]);
        await client.query('update bench_sessions set last_active_at = $1 where id = $2', [1, session]);
        await client.query('update bench_refresh set consumed_at = $1 where hash = $2', [1, last]);
        await client.query('insert into bench_refresh values ($1, $2, $3, null)', [next, session, last]);
        await client.query('insert into bench_access values ($1, $2, $3, 1)', [newHash(), session, next]);
        await client.query('commit');
        last = next;
        transactions++;
      }
      client.release();
    };
    await Promise.all(Array.from({ length: POSTGRES_CONNECTIONS }, drive));
    return { transactions, seconds: (performance.now() - began) / 1000 };
  };
}
