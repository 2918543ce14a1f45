/** `gatehouse database …`: the schema and the files of the database, not what is in it. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ensureEncryptionKey } from '../config/encryption-key.ts';
import { CONFIG_FAULTY, formatFaults } from '../config/fault.ts';
import { inspectFile } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { systemClock, systemRandom } from '../protocol/clock.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import { backUpSqlite, type DatabaseStatus, readDatabaseStatus } from '../storage/maintenance.ts';
import { openDatabase } from '../storage/engine/open-database.ts';
import { type ConfigOption, configFile } from './config-option.ts';
import { explainFault } from './start-fault.ts';

/** What each of the commands takes. */
export type DatabaseOptions = ConfigOption & { readonly json?: true };

/** What `status` means for this build. */
type SchemaVerdict = 'current' | 'pending' | 'too_new';

/** Runs what is pending; makes a SQLite file that is not there, and the key that belongs to it. */
export function migrateDatabaseCommand(options: DatabaseOptions): Promise<void> {
  return withSettings(options, async (config) => {
    const { url, pool_size: poolSize, direct_url: directUrl } = config.database;
    const { madeFile } = ensureEncryptionKey(config, systemRandom);
    if (madeFile !== undefined)
      console.error(`gatehouse: created an encryption key, keep a copy of it: ${madeFile}`);
    const before = missing(url) ? 0 : (await readDatabaseStatus(url)).level;
    const database = await openDatabase({
      url,
      clock: systemClock,
      random: systemRandom,
      log: { warn, error: warn },
      poolSize: Math.min(poolSize, 2),
      ...(directUrl === undefined ? {} : { directUrl }),
    });
    await database.close();
    const { level, applied } = await readDatabaseStatus(url);
    const ran = applied.filter(({ version }) => version > before);
    if (options.json === true) print({ level, ran: ran.map(({ version, name }) => ({ version, name })) });
    else if (ran.length === 0) console.log(`Nothing to do: the schema is at level ${String(level)}.`);
    else {
      for (const { version, name } of ran) console.log(`${String(version).padStart(3)}  ${name}`);
      console.log(`The schema is now at level ${String(level)}.`);
    }
    return 0;
  });
}

/** Which migrations have run, without changing anything. */
export function databaseStatusCommand(options: DatabaseOptions): Promise<void> {
  return withSettings(options, async ({ database: { url } }) => {
    const status = await readDatabaseStatus(url);
    const verdict = judge(status);
    if (options.json === true) print({ ...describe(status), status: verdict, database: placeOf(url) });
    else console.log(statusText(status, verdict, placeOf(url)));
    return { current: 0, pending: 3, too_new: 1 }[verdict];
  });
}

/** A copy of a SQLite database as it is at one moment. */
export function backUpDatabaseCommand(target: string, options: DatabaseOptions): Promise<void> {
  return withSettings(options, async ({ database: { url } }) => {
    backUpSqlite(url, target);
    const file = resolve(target);
    const { size } = statSync(file);
    if (options.json === true) print({ file, bytes: size });
    else {
      console.log(
        `${file}: ${String(size)} bytes.\nIt does not contain the encryption key: keep a copy of that in another place.`,
      );
    }
    return Promise.resolve(0);
  });
}

/** Runs a command and sets the exit code: the command's, 1 if it could not be done, 2 if the configuration has faults. */
async function withSettings(
  options: DatabaseOptions,
  work: (config: Config) => Promise<number>,
): Promise<void> {
  const file = configFile(options.config);
  const { config, faults } = inspectFile(file, process.env);
  if (config === undefined) {
    console.error(`gatehouse: ${formatFaults(faults, file)}`);
    process.exitCode = CONFIG_FAULTY;
    return;
  }
  try {
    process.exitCode = await work(config);
  } catch (error) {
    console.error(`gatehouse: ${explainFault(error)}`);
    process.exitCode = 1;
  }
}

function judge({ oldestLevel, buildLevel, pending }: DatabaseStatus): SchemaVerdict {
  if (oldestLevel > buildLevel) return 'too_new';
  return pending.length > 0 ? 'pending' : 'current';
}

function statusText(status: DatabaseStatus, verdict: SchemaVerdict, place: string): string {
  const { level, buildLevel, oldestLevel, applied, pending } = status;
  const conclusion = {
    current: 'It is up to date.',
    pending:
      'Migrations are pending: gatehouse serve runs them when it starts, or gatehouse database migrate now.',
    too_new: `This build is too old for it: use a build with schema level ${String(oldestLevel)} or newer.`,
  }[verdict];
  return [
    `Database   ${status.engine}, ${place}`,
    `Schema     level ${String(level)}; this build has level ${String(buildLevel)}`,
    ...applied.map(
      ({ version, name, appliedAt }) =>
        `${String(version).padStart(9)}  ${name}  ${new Date(appliedAt).toISOString().slice(0, 19)}Z`,
    ),
    ...pending.map(({ version, name }) => `${String(version).padStart(9)}  ${name}  pending`),
    conclusion,
  ].join('\n');
}

function describe({ engine, level, buildLevel, oldestLevel, applied, pending }: DatabaseStatus): object {
  return {
    engine,
    level,
    build_level: buildLevel,
    oldest_level: oldestLevel,
    applied: applied.map(({ version, name, appliedAt }) => ({
      version,
      name,
      applied_at: new Date(appliedAt).toISOString(),
    })),
    pending: pending.map(({ version, name }) => ({ version, name })),
  };
}

/** Where it is, without who may enter. */
function placeOf(url: string): string {
  if (url.startsWith('sqlite:')) return sqliteFile(url);
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function missing(url: string): boolean {
  return url.startsWith('sqlite:') && !existsSync(sqliteFile(url));
}

function warn(details: object, message: string): void {
  console.error(`gatehouse: ${message}${'reason' in details ? `: ${String(details.reason)}` : ''}`);
}

function print(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}
