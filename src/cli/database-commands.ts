/** The commands on the database as a whole, as they are written. What they do is loaded only when one of them runs. */
import type { Command } from 'commander';
import { withConfig } from './config-option.ts';
import type { DatabaseOptions } from './database.ts';

/** Adds them all. */
export function addDatabaseCommands(program: Command): void {
  const database = program.command('database').description('migrate, inspect and back up the database');
  const command = (name: string, description: string): Command =>
    withConfig(database.command(name).description(description)).option('--json', 'print JSON');
  const load = () => import('./database.ts');
  command('migrate', 'run pending migrations, as the start does').action(async (options: DatabaseOptions) =>
    (await load()).migrateDatabaseCommand(options),
  );
  command(
    'status',
    'show which migrations have run: exit code 0, 1 (not usable with this build) or 3 (some are pending)',
  ).action(async (options: DatabaseOptions) => (await load()).databaseStatusCommand(options));
  command('backup <file>', 'copy a SQLite database to a new file while it is in use').action(
    async (file: string, options: DatabaseOptions) => (await load()).backUpDatabaseCommand(file, options),
  );
}
