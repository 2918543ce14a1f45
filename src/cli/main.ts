/** The command line: one file a command. */
import { Command } from 'commander';
import { packageVersion } from '../observability/version.ts';
import { checkConfig } from './config-check.ts';
import { type ConfigOption, configFile, withConfig } from './config-option.ts';
import { addDatabaseCommands } from './database-commands.ts';
import type { InitFlags } from './init.ts';
import { addOperatorCommands } from './operator-commands.ts';
import { serve } from './serve.ts';

const EXAMPLES = `
Examples:
  gatehouse init --server-name example.com        write a first configuration
  gatehouse config check --config gatehouse.yaml  list every fault in it
  gatehouse serve --config gatehouse.yaml         run the service
  gatehouse doctor --config gatehouse.yaml        find what is wrong with a set-up
  gatehouse doctor --provider https://idp.example.com/realms/main
                                                  judge a provider before anything is configured
  gatehouse sessions list --user @alice:example.com
  gatehouse users lock alice`;

/** Runs the command that the arguments name (`argv` as in `process.argv`). Sets the exit code; throws nothing. */
export async function main(argv: readonly string[]): Promise<void> {
  await buildProgram().parseAsync([...argv]);
}

function buildProgram(): Command {
  const program = new Command('gatehouse')
    .description('The auth metadata and session module of a Matrix homeserver.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .showHelpAfterError('(see gatehouse --help)')
    .addHelpText('after', EXAMPLES);

  withConfig(program.command('serve').description('run the service until SIGTERM or SIGINT')).action(
    async ({ config }: ConfigOption) => {
      // Whatever may still be open: it is over.
      process.exit(await serve(configFile(config), process.env));
    },
  );

  const config = program.command('config').description('check the configuration');
  withConfig(
    config
      .command('check')
      .description('check the configuration exactly as the start does: exit code 0 or 2'),
  )
    .option('--json', 'print the result as JSON')
    .action(({ config: file, json }: ConfigOption & { json?: true }) => {
      process.exitCode = checkConfig(configFile(file), process.env, { json: json === true });
    });

  withConfig(program.command('doctor'))
    // 1 says that sign-in breaks; a mistyped option says nothing of the kind.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .description('check a setup and say how to fix what is wrong: exit code 0, 1 (sign-in breaks) or 2')
    .option('--provider <file-or-url>', 'check an identity provider instead, before anything is configured')
    .option('--json', 'print the report as JSON')
    .action(async ({ config: file, provider, json }: ConfigOption & { provider?: string; json?: true }) => {
      // Loaded only now: the other commands need none of it.
      const { examine } = await import('./doctor.ts');
      const options = { json: json === true };
      process.exitCode = await examine({ file: configFile(file), provider }, process.env, options);
    });
  addInit(program);
  addOperatorCommands(program);
  addDatabaseCommands(program);
  return program;
}

function addInit(program: Command): void {
  program
    .command('init')
    .description('write a first configuration; asks for everything that is not given as an option')
    .option('--server-name <name>', 'user IDs are @localpart:NAME')
    .option('--public-url <url>', 'where clients and browsers reach this service')
    .option('--issuer <url>', 'issuer of the identity provider, exactly as in its metadata')
    .option('--preset <name>', 'product of the provider (default: by its issuer, else generic)')
    .option('--client-id <id>', 'client id of this service at the provider (default: gatehouse)')
    .option(
      '--client-secret-file <file>',
      'file with the client secret (default: idp.secret, to be filled in)',
    )
    .option('--homeserver-public-url <url>', 'where clients reach the homeserver')
    .option('--homeserver-url <url>', 'where this service reaches Synapse')
    .option('--database <url>', 'sqlite:FILE or postgres://… (default: sqlite:gatehouse.db)')
    .option('-o, --output <file>', 'the configuration to write', 'gatehouse.yaml')
    .option('--force', 'overwrite an existing configuration; secrets are kept')
    .option('-y, --yes', 'ask nothing, use the defaults')
    .action(async (flags: InitFlags) => {
      const { runInit } = await import('./init.ts');
      process.exitCode = await runInit(flags);
    });
}
