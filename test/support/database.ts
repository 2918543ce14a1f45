/**
 * Real databases for tests: a SQLite file in a folder of its own, or a database of the run's PostgreSQL server. `GATEHOUSE_TEST_ENGINES`
 * (comma-separated: sqlite, postgres) picks the engines; default: both.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, inject } from 'vitest';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import type { Database, DatabaseOptions, Engine } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { askForPostgres } from './postgres-server.ts';

export interface TestEngine {
  readonly name: Engine;
  /** The URL of a new database without any table. Removed after the tests of the block. */
  newUrl(): Promise<string>;
  /** Opens a database, by default a new one, with the system's clock and randomness. Closed after the tests of the block. */
  open(options?: Partial<DatabaseOptions>): Promise<Database>;
}

/** Declares the tests of `body` once for each engine, in a `describe` of the engine's name. */
export function forEachEngine(body: (engine: TestEngine) => void): void {
  for (const name of testEngines()) {
    describe(`on ${name}`, () => {
      const cleanups: (() => Promise<void> | void)[] = [];
      afterAll(async () => {
        for (const cleanup of cleanups.reverse()) await cleanup();
      });
      const newUrl = async (): Promise<string> => {
        const { url, remove } = await (name === 'sqlite' ? newSqliteFile() : newPostgresDatabase());
        cleanups.push(remove);
        return url;
      };
      body({
        name,
        newUrl,
        open: async (options = {}) => {
          const database = await openDatabase({
            clock: systemClock,
            random: systemRandom,
            ...options,
            url: options.url ?? (await newUrl()),
          });
          cleanups.push(() => database.close());
          return database;
        },
      });
    });
  }
}

/** Environment of a service on a new database of this engine. */
export async function databaseOf(engine: TestEngine): Promise<Record<string, string>> {
  return {
    GATEHOUSE__DATABASE__URL: await engine.newUrl(),
    GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
}

/** The engines that this run tests. */
export function testEngines(): Engine[] {
  const chosen = process.env['GATEHOUSE_TEST_ENGINES'] ?? 'sqlite,postgres';
  const engines = (['sqlite', 'postgres'] as const).filter((name) => chosen.split(',').includes(name));
  if (engines.length === 0) throw new Error(`GATEHOUSE_TEST_ENGINES names no engine: ${chosen}`);
  return engines;
}

/** A database to be removed when the test is done. */
export interface NewDatabase {
  readonly url: string;
  remove(): Promise<void> | void;
}

export function newSqliteFile(): NewDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-sqlite-'));
  return {
    url: `sqlite:${join(folder, 'gatehouse.db')}`,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A new database on the run's PostgreSQL server, or on the one whose superuser URL is given. */
export async function newPostgresDatabase(serverUrl?: string): Promise<NewDatabase> {
  const server = serverUrl ?? (await askForPostgres(inject('postgresSocket')));
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    remove: async () => {
      await administer(server, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Runs one statement as the server's superuser. */
export async function administer(serverUrl: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}
