/** The choice of the engine, by the URL: the one file of storage/ that knows both. */
import { sqliteFile, sqliteFileFault } from '../../protocol/sqlite-url.ts';
import type { Database, DatabaseOptions } from './database.ts';
import { DatabaseFault } from './fault.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/**
 * Opens the database, asserts that what it commits will be durable, and brings its schema up to date.
 * Throws `DatabaseFault`, whose message names the remedy, when this database cannot be used.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url } = options;
  if (url.startsWith('sqlite:')) {
    const file = sqliteFile(url);
    const fault = sqliteFileFault(file);
    if (fault === undefined) return openSqlite({ ...options, file });
    throw new DatabaseFault(`database.url ${fault}`, 'use sqlite:/path/to/gatehouse.db');
  }
  if (/^postgres(?:ql)?:/.test(url)) return openPostgres(options);
  throw new DatabaseFault(
    'database.url names no known engine',
    'use sqlite:/path/to/gatehouse.db or postgres://user@host/database',
  );
}
