/**
 * What the operator's commands share: the configuration, its database, and how they fail. A command works on the database of a running service;
 * every process sees what it did with its next query.
 */
import { existsSync } from 'node:fs';
import { CONFIG_FAULTY, formatFaults } from '../config/fault.ts';
import { inspectFile } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { homeserverOf } from '../homeserver/choose.ts';
import { findPerson } from '../people/find-person.ts';
import { systemClock, systemRandom } from '../protocol/clock.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import { openDatabase } from '../storage/engine/open-database.ts';
import type { User } from '../storage/records/users.ts';
import { type ConfigOption, configFile } from './config-option.ts';
import { operatorName, startRecord } from './record-events.ts';
import { explainFault } from './start-fault.ts';

export interface OperatorDeps extends SessionEndingDeps {
  readonly config: Config;
}

/** A command that cannot do what it was asked. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.remedy = remedy;
  }
}

/** Runs a command on the database and sets the exit code: 0, 1 if it could not be done, 2 if the configuration has faults. */
export async function runOperation(
  options: ConfigOption,
  work: (deps: OperatorDeps) => Promise<void>,
): Promise<void> {
  const file = configFile(options.config);
  const { config, faults } = inspectFile(file, process.env);
  if (config === undefined) {
    console.error(`gatehouse: ${formatFaults(faults, file)}`);
    process.exitCode = CONFIG_FAULTY;
    return;
  }
  try {
    await withDatabase(config, work);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof CommandFault) console.error(`gatehouse: ${error.message}\n  -> ${error.remedy}`);
    else console.error(`gatehouse: ${explainFault(error)}`);
  }
}

/** Does the work on the database of a configuration, which it brings up to date, and records what the work did. */
export async function withDatabase<T>(config: Config, work: (deps: OperatorDeps) => Promise<T>): Promise<T> {
  const { url, pool_size: poolSize, direct_url: directUrl } = config.database;
  if (url.startsWith('sqlite:') && !existsSync(sqliteFile(url))) {
    throw new CommandFault(
      `there is no database at ${sqliteFile(url)} yet`,
      'Start the service once: gatehouse serve',
    );
  }
  const warn = (details: object, message: string): void => {
    console.error(`gatehouse: ${message}${'reason' in details ? `: ${String(details.reason)}` : ''}`);
  };
  const log = { warn, error: warn };
  const clock = systemClock;
  const random = systemRandom;
  const db = await openDatabase({
    url,
    clock,
    random,
    log,
    poolSize: Math.min(poolSize, 2),
    ...(directUrl === undefined ? {} : { directUrl }),
  });
  const homeserver = homeserverOf(config.homeserver, { clock, random });
  const record = startRecord({ db, clock, random }, operatorName(process.env));
  try {
    return await work({ config, db, clock, random, log, emit: record.emit, homeserver });
  } finally {
    await homeserver.close();
    await record.written().finally(() => db.close());
  }
}

/** The user with a localpart, a user ID of this server, or an internal id. Throws `CommandFault`. */
export async function requireUser({ db, config }: OperatorDeps, name: string): Promise<User> {
  const found = await findPerson({ db, serverName: config.server_name }, name);
  switch (found.kind) {
    case 'found':
      return found.user;
    case 'other_server':
      throw new CommandFault(
        `${printable(name)} is not a user of ${config.server_name}`,
        `User IDs here are @localpart:${config.server_name}`,
      );
    case 'unknown':
      throw new CommandFault(`there is no user ${printable(name)}`, 'List the users: gatehouse users list');
  }
}

/** Text of a stranger, fit for a terminal: no control character, no escape sequence, nothing that turns the direction. */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}

/** Milliseconds since the epoch as ISO 8601 in UTC; null for null. */
export function isoTime(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}

/** Prints one JSON value. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}

/** Reads page after page until one is not full. */
export async function readAll<T>(
  read: (last: T | undefined, limit: number) => Promise<T[]>,
  limit = 500,
): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const page = await read(all.at(-1), limit);
    all.push(...page);
    if (page.length < limit) return all;
  }
}
