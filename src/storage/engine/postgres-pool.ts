/**
 * Connections to PostgreSQL. No session state, so that PgBouncer in transaction mode may stand between; statements of the hot paths are prepared under a name
 * where nothing stands between.
 */
import type { QueryResult } from 'kysely';
import pg from 'pg';
import { type OpenTransaction, type Statement, SWALLOWED } from './dialect.ts';
import { judgeCommitError, judgePostgresError } from './postgres-errors.ts';

export interface PostgresPool {
  /** Runs one statement on any connection. Throws as `judgePostgresError` says. */
  run(statement: Pick<Statement, 'sql' | 'parameters' | 'name'>): Promise<QueryResult<unknown>>;
  /** Takes a connection and sends `begin` on it. */
  begin(begin: string): Promise<OpenTransaction>;
  close(): Promise<void>;
}

/** OID of int8: counts and times in milliseconds, all below 2^53. */
const INT8 = 20;

export function openPostgresPool(options: {
  url: string;
  size: number;
  /** How long to wait for a connection, a new one or one that is in use. */
  connectLimitMs: number;
  /** Longest time for a statement's answer; 0: none. */
  statementLimitMs: number;
  onIdleError: (error: Error) => void;
}): PostgresPool {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8, Number);
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.size,
    connectionTimeoutMillis: options.connectLimitMs,
    idleTimeoutMillis: 30_000,
    query_timeout: options.statementLimitMs,
    keepAlive: true,
    application_name: 'gatehouse',
    types,
  });
  pool.on('error', options.onIdleError);
  // A connection that dies between two statements of a transaction says so by an event; the next statement fails as well.
  pool.on('connect', (client) => client.on('error', () => undefined));

  const take = async (): Promise<pg.PoolClient> => {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw judgePostgresError(error).error;
    }
    if (directness.has(client)) return client;
    try {
      directness.set(client, await isDirect(client));
    } catch (error) {
      client.release(true);
      throw judgePostgresError(error).error;
    }
    return client;
  };

  return {
    async run(statement) {
      const client = await take();
      let broken = false;
      try {
        return resultOf(await client.query(prepared(client, statement)));
      } catch (error) {
        const verdict = judgePostgresError(error);
        broken = verdict.broken;
        throw verdict.error;
      } finally {
        client.release(broken);
      }
    },
    async begin(begin) {
      const client = await take();
      try {
        await client.query(begin);
      } catch (error) {
        client.release(true);
        throw judgePostgresError(error).error;
      }
      return transactionOn(client);
    },
    close: () => pool.end(),
  };
}

function transactionOn(client: pg.PoolClient): OpenTransaction {
  let released = false;
  const release = (broken: boolean): void => {
    if (released) return;
    released = true;
    client.release(broken);
  };
  return {
    async execute(statement) {
      if (released) throw new Error('the transaction has ended');
      try {
        return resultOf(await client.query(prepared(client, statement)));
      } catch (error) {
        const verdict = judgePostgresError(error);
        if (verdict.broken) release(true);
        throw verdict.error;
      }
    },
    async commit() {
      if (released) throw judgePostgresError(new Error('the connection was lost')).error;
      let command: string;
      try {
        ({ command } = await client.query('commit'));
      } catch (error) {
        const verdict = judgeCommitError(error);
        release(verdict.broken);
        throw verdict.error;
      }
      release(false);
      // What COMMIT answers after a statement failed whose error the work swallowed.
      if (command === 'ROLLBACK') throw new Error(SWALLOWED);
    },
    async rollback() {
      if (released) return;
      try {
        await client.query('rollback');
        release(false);
      } catch {
        release(true);
      }
    },
  };
}

/** Connections, and whether they lead to the server itself. */
const directness = new WeakMap<pg.PoolClient, boolean>();

/**
 * Whether the connection leads to the server itself: a pooler has process ids of its own for its clients. Behind one, the next transaction may run on
 * another server connection, which knows nothing of a statement's name.
 */
async function isDirect(client: pg.PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid === (client as unknown as { readonly processID?: number | null }).processID;
}

function prepared(
  client: pg.PoolClient,
  { sql, parameters, name }: Pick<Statement, 'sql' | 'parameters' | 'name'>,
): pg.QueryConfig {
  const query = { text: sql, values: parameters as unknown[] };
  return name !== undefined && directness.get(client) === true ? { ...query, name } : query;
}

function resultOf(result: pg.QueryResult): QueryResult<unknown> {
  const { rows, rowCount, command } = result;
  if (command === 'SELECT' || rowCount === null) return { rows };
  return { rows, numAffectedRows: BigInt(rowCount) };
}
