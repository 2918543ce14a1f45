/** The command line: one file a command. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { checkConfig } from './config-check.ts';
import { serve } from './serve.ts';

/** Runs the command that the arguments name (`argv` as in `process.argv`). Sets the exit code; throws nothing. */
export async function main(argv: readonly string[]): Promise<void> {
  await buildProgram().parseAsync([...argv]);
}

function buildProgram(): Command {
  const program = new Command('gatehouse')
    .description('The auth metadata and session module of a Matrix homeserver.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .showHelpAfterError('(gatehouse --help tells more)');

  withConfig(program.command('serve').description('run the service until SIGTERM or SIGINT')).action(
    async ({ config }: ConfigOption) => {
      // Whatever may still be open: it is over.
      process.exit(await serve(configFile(config), process.env));
    },
  );

  const config = program.command('config').description('look at the configuration');
  withConfig(config.command('check').description('check it exactly as the start does: exit code 0 or 1'))
    .option('--json', 'print the result as JSON')
    .action(({ config: file, json }: ConfigOption & { json?: true }) => {
      process.exitCode = checkConfig(configFile(file), process.env, { json: json === true });
    });
  return program;
}

interface ConfigOption {
  readonly config?: string;
}

function withConfig(command: Command): Command {
  return command.option(
    '-c, --config <file>',
    'the configuration file (default: $GATEHOUSE_CONFIG, or gatehouse.yaml here)',
  );
}

function configFile(option: string | undefined): string {
  return option ?? (process.env.GATEHOUSE_CONFIG || 'gatehouse.yaml');
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
