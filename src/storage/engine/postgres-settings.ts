/** What the PostgreSQL server must be before anything is entrusted to it, and what to tell the operator when it is not. */
import { Unavailable } from '../../protocol/unavailable.ts';
import { DatabaseFault } from './fault.ts';
import { sqlState } from './postgres-errors.ts';
import type { PostgresPool } from './postgres-pool.ts';

interface Settings {
  version: number;
  version_text: string;
  fsync: string;
  full_page_writes: string;
  synchronous_commit: string;
  read_only: string;
}

/** The oldest major version that the suite runs on. */
const OLDEST_VERSION = 140_000;

const SETTINGS = `select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
 current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
 current_setting('synchronous_commit') as synchronous_commit, current_setting('transaction_read_only') as read_only`;

/** Throws `DatabaseFault` if a commit would not be on disk when the server acknowledges it, or the server cannot be used. */
export async function assertPostgresSettings(pool: PostgresPool): Promise<void> {
  const { rows } = await pool.run({ sql: SETTINGS, parameters: [] });
  const settings = rows[0] as Settings;
  if (settings.version < OLDEST_VERSION) {
    throw new DatabaseFault(`PostgreSQL ${settings.version_text} is too old`, 'upgrade it to 14 or later');
  }
  if (settings.fsync !== 'on') {
    throw new DatabaseFault(
      'PostgreSQL runs with fsync = off: acknowledged sign-outs and refreshes would be lost in a crash',
      'set fsync = on in postgresql.conf and restart it',
    );
  }
  if (settings.full_page_writes !== 'on') {
    throw new DatabaseFault(
      'PostgreSQL runs with full_page_writes = off: a crash could leave torn pages',
      'set full_page_writes = on in postgresql.conf and reload it',
    );
  }
  if (settings.synchronous_commit === 'off') {
    throw new DatabaseFault(
      'PostgreSQL runs with synchronous_commit = off for this user or database: acknowledged changes would be lost in a crash',
      'set synchronous_commit = on in postgresql.conf, and for the role and database where it was altered',
    );
  }
  if (settings.read_only !== 'off') {
    throw new DatabaseFault(
      'PostgreSQL takes no writes: it is a standby, or its default_transaction_read_only is on',
      'point database.url to the primary (target_session_attrs has no effect here)',
    );
  }
}

/** A start-up failure in the operator's words; errors that are none of the server's state are given back as they are. */
export function explainPostgresFailure(error: unknown, url: string): unknown {
  const place = placeOf(url);
  const cause = error instanceof Unavailable ? error.cause : error;
  const fault = (what: string, remedy: string): DatabaseFault => new DatabaseFault(what, remedy, { cause });
  const message = cause instanceof Error ? cause.message : '';
  const state = sqlState(cause);
  // PgBouncer says nearly everything with one code.
  switch (state === '08P01' && /password|no such user|auth/i.test(message) ? '28P01' : state) {
    case '28P01':
    case '28000':
      return fault(
        `PostgreSQL at ${place} refused the user or the password`,
        'correct them in database.url (or its *_file), and check pg_hba.conf',
      );
    case '3D000':
      return fault(`PostgreSQL at ${place} has no such database`, 'create it: createdb --owner USER NAME');
    case '42501':
      return fault(
        `PostgreSQL at ${place} does not let this user make tables`,
        'run: GRANT CREATE, USAGE ON SCHEMA public TO the user of database.url, or make it the owner of the database',
      );
    case '53300':
      return fault(
        `PostgreSQL at ${place} has no connection to spare`,
        'raise max_connections, lower database.pool_size, or put PgBouncer between',
      );
    case '57P03':
      return fault(`PostgreSQL at ${place} is starting up or shutting down`, 'wait for it, then start again');
    default:
  }
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return fault(
      `the host of PostgreSQL at ${place} has no address`,
      'correct the host in database.url, or the name server',
    );
  }
  if (message.includes('does not support SSL')) {
    return fault(
      `PostgreSQL at ${place} does not speak TLS`,
      'set ssl = on there, or leave sslmode out of database.url',
    );
  }
  if (typeof code === 'string' && /CERT|TLS|SSL/.test(code)) {
    return fault(
      `the certificate of PostgreSQL at ${place} is not trusted (${code})`,
      'name its authority in database.url: sslmode=verify-full&sslrootcert=/path/to/ca.pem',
    );
  }
  if (error instanceof Unavailable) {
    const reason = typeof code === 'string' && state === undefined ? code : message;
    return fault(`PostgreSQL at ${place} does not answer (${reason})`, 'start it, or correct database.url');
  }
  return error;
}

/** Host, port and database of a URL; never its password. */
function placeOf(url: string): string {
  try {
    const { host, pathname, searchParams } = new URL(url);
    return `${host || (searchParams.get('host') ?? 'the local socket')}${pathname}`;
  } catch {
    return 'database.url';
  }
}
