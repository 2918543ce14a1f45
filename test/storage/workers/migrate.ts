/** Migrates a database and, told a number, dies by SIGKILL after that many statements. Says the schema level otherwise. */
import type { Transaction } from 'kysely';
import type { OpenTransaction } from '../../../src/storage/engine/dialect.ts';
import { migrate, type SchemaRecord } from '../../../src/storage/engine/migrate.ts';
import { migrations } from '../../../src/storage/migrations/index.ts';
import { openPostgresPool } from '../../../src/storage/engine/postgres-pool.ts';
import {
  openSqliteConnection,
  type SqliteConnection,
} from '../../../src/storage/engine/sqlite-connection.ts';
import { sqliteTransaction } from '../../../src/storage/engine/sqlite-transaction.ts';
import { attemptTransaction } from '../../../src/storage/engine/transaction.ts';

const [url = '', die = '0'] = process.argv.slice(2);
const engine = url.startsWith('sqlite:') ? 'sqlite' : 'postgres';

let statements = 0;
const counted = (transaction: OpenTransaction): OpenTransaction => ({
  ...transaction,
  execute: async (statement) => {
    const result = await transaction.execute(statement);
    if (++statements === Number(die)) process.kill(process.pid, 'SIGKILL');
    return result;
  },
});

let connection: SqliteConnection | undefined;
const sqlite = (): OpenTransaction => {
  if (connection === undefined) {
    connection = openSqliteConnection(url.slice('sqlite:'.length), { readOnly: false, waitMs: 5000 });
    connection.command('PRAGMA journal_mode = WAL');
  }
  return sqliteTransaction(connection);
};
const pool =
  engine === 'postgres'
    ? openPostgresPool({
        url,
        size: 1,
        connectLimitMs: 5000,
        statementLimitMs: 0,
        onIdleError: () => undefined,
      })
    : undefined;
const begin = async (): Promise<OpenTransaction> => counted((await pool?.begin('begin')) ?? sqlite());
const state = await migrate({
  engine,
  write: <T>(work: (tx: Transaction<SchemaRecord>) => Promise<T>) =>
    attemptTransaction({ engine, begin }, work, Infinity),
  now: () => Date.now(),
  migrations,
});
await pool?.close();
process.send?.({ level: state.level, statements });
process.disconnect();
