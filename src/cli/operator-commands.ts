/** The commands on users, sessions, clients and signing keys, and on what was done by them, as they are written. What they do is loaded only when one of them runs. */
import { type Command, Option } from 'commander';
import { signingAlgorithms } from '../protocol/signing-algorithms.ts';
import type { ClientFlags } from './client-flags.ts';
import { type ConfigOption, withConfig } from './config-option.ts';
import type { ExportKeysOptions } from './export-keys.ts';
import type { LinkOptions } from './links.ts';
import type { SessionOptions } from './sessions.ts';
import type { TokenOptions } from './tokens.ts';

type Options = ConfigOption & { readonly json?: true };
type ConfirmedOptions = Options & { readonly yes?: true };

/** Adds them all. */
export function addOperatorCommands(program: Command): void {
  addUsers(program);
  addSessions(program);
  addClients(program);
  addTokens(program);
  addKeys(program);
  addHomeserver(program);
  addLinks(program);
  addAudit(program);
}

function addUsers(program: Command): void {
  const users = program.command('users').description('list, lock, deactivate and erase users');
  const command = subcommandsOf(users);
  const load = () => import('./users.ts');
  command('list', 'list users, sorted by localpart')
    .option('--containing <text>', 'only users with this text in their localpart')
    .action(async (options: Options & { containing?: string }) => (await load()).listUsersCommand(options));
  command('show <user>', 'show a user: @localpart:server, localpart, or id').action(
    async (name: string, options: Options) => (await load()).showUserCommand(name, options),
  );
  command('lock <user>', 'lock a user: sessions stay, but cannot be used').action(
    async (name: string, options: Options) => (await load()).lockUserCommand(name, options),
  );
  command('unlock <user>', 'unlock a user: their sessions work again').action(
    async (name: string, options: Options) => (await load()).unlockUserCommand(name, options),
  );
  command('deactivate <user>', 'deactivate a user: all sessions end, and nobody can sign in as them')
    .option('--yes', 'confirm')
    .action(async (name: string, options: ConfirmedOptions) =>
      (await load()).deactivateUserCommand(name, options),
    );
  command('export <user>', 'print everything that is stored about a user, as JSON, without secrets').action(
    async (name: string, options: Options) =>
      (await import('./export-user.ts')).exportUserCommand(name, options),
  );
  const loadDeactivated = () => import('./deactivated-users.ts');
  command('reactivate <user>', 'undo a deactivation: the person may sign in again').action(
    async (name: string, options: Options) => (await loadDeactivated()).reactivateUserCommand(name, options),
  );
  command('erase <user>', 'permanently erase the data of a deactivated user, also at the homeserver')
    .option('--yes', 'confirm')
    .action(async (name: string, options: ConfirmedOptions) =>
      (await loadDeactivated()).eraseUserCommand(name, options),
    );
}

function addSessions(program: Command): void {
  const sessions = program.command('sessions').description('list and end sessions');
  const load = () => import('./sessions.ts');
  const command = (name: string, description: string): Command =>
    subcommandsOf(sessions)(name, description)
      .option('--user <user>', 'sessions of a user: @localpart:server, localpart, or id')
      .option('--client <id>', 'sessions of a client')
      .option('--device <id>', 'sessions on a device');
  command('list', 'list sessions, newest first')
    .option('--ended', 'also list sessions that have ended')
    .action(async (options: SessionOptions) => (await load()).listSessionsCommand(options));
  command('end [ids...]', 'end sessions, by id or by user, client or device')
    .option('--yes', 'confirm, however many sessions there are')
    .action(async (ids: string[], options: SessionOptions) =>
      (await load()).endSessionsCommand(ids, options),
    );
}

function addClients(program: Command): void {
  const clients = program.command('clients').description('list, add and remove OAuth clients');
  const command = subcommandsOf(clients);
  const load = () => import('./clients.ts');
  command('list', 'list all clients, those of the configuration first').action(async (options: Options) =>
    (await load()).listClientsCommand(options),
  );
  command('show <id>', 'show a client').action(async (id: string, options: Options) =>
    (await load()).showClientCommand(id, options),
  );
  command('add', 'add a client; its secret is printed once')
    .option('--name <name>', 'name that people see on the consent page')
    .option('--uri <url>', 'its home page')
    .option('--redirect-uri <uri...>', 'where people may be sent after sign-in')
    .addOption(
      new Option('--auth-method <method>', 'how the client authenticates')
        .choices(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
        .default('none'),
    )
    .option('--grant <type...>', 'grant types (default: authorization_code refresh_token)')
    .option('--id <id>', 'its client_id (default: one is made)')
    .option('--secret-file <file>', 'file with its secret (default: one is made)')
    .option('--jwks-file <file>', 'file with its public keys, for private_key_jwt')
    .option('--scope <scope...>', 'what it may ask for beyond Matrix')
    .option('--trusted', 'skip the consent page')
    .option('--introspect-all', 'let it introspect the tokens of all clients')
    .option('--access-token-ttl <seconds>', 'life of its access tokens')
    .option('--session-ttl <seconds>', 'when its sessions end')
    .addOption(
      new Option('--access-token-format <format>', 'of its access tokens').choices(['opaque', 'jwt']),
    )
    .addOption(new Option('--access-token-signing-alg <alg>', 'of JWTs').choices([...signingAlgorithms]))
    .addOption(new Option('--access-token-typ <typ>', 'of JWTs').choices(['at+jwt', 'JWT']))
    .option('--token-answer-claims', 'add the claims of its scopes to the token answer')
    .action(async (options: Options & ClientFlags) => (await load()).addClientCommand(options));
  command('remove <id>', 'remove a client and end its sessions')
    .option('--yes', 'confirm')
    .action(async (id: string, options: ConfirmedOptions) => (await load()).removeClientCommand(id, options));
}

function addTokens(program: Command): void {
  const tokens = program
    .command('tokens')
    .description('issue, list and revoke access tokens for servers that are no homeserver');
  const command = subcommandsOf(tokens);
  const load = () => import('./tokens.ts');
  command('issue', 'issue an access token without a sign-in; it is printed once')
    .option('--client <id>', 'the client that it is for')
    .option('--user <user>', "whose it is (default: the client's own)")
    .option('--scope <scope...>', 'scopes of your own')
    .option('--ttl <seconds>', 'how long it lives (default: 3600)')
    .action(async (options: TokenOptions) => (await load()).issueTokenCommand(options));
  command('list', 'list sessions that are none of Matrix, newest first')
    .option('--user <user>', 'those of a user')
    .option('--client <id>', 'those of a client')
    .action(async (options: TokenOptions) => (await load()).listTokensCommand(options));
  command('revoke [ids...]', 'end such sessions, by id; - reads a token from standard input').action(
    async (ids: string[], options: TokenOptions) => (await load()).revokeTokensCommand(ids, options),
  );
}

function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('list, rotate and export the keys that sign ID tokens and access tokens');
  const command = subcommandsOf(keys);
  const load = () => import('./keys.ts');
  command('list', 'list the keys, newest first').action(async (options: Options) =>
    (await load()).listKeysCommand(options),
  );
  command('rotate', 'create a new key, which signs after it has been published for ten minutes')
    .option('--now', 'delete all earlier keys at once; for a key that may have leaked')
    .action(async (options: Options & { now?: true }) => (await load()).rotateKeysCommand(options));
  command('export', 'write public keys for servers that cannot fetch them: Dovecot, ejabberd')
    .option('--dovecot <folder>', 'write PEM files as AZP/ALG/KID, for its local validation')
    .option('--azp <client...>', 'for these clients (default: all of the configuration with JWTs)')
    .option('--jwk [file]', 'print or write the key that signs now, for jwt_key of ejabberd')
    .addOption(
      new Option('--alg <algorithm>', 'of that key').choices([...signingAlgorithms]).default('RS256'),
    )
    .action(async (options: ExportKeysOptions) =>
      (await import('./export-keys.ts')).exportKeysCommand(options),
    );
}

function addHomeserver(program: Command): void {
  const homeserver = program
    .command('homeserver')
    .description('compare with the homeserver, and show pending changes');
  const command = subcommandsOf(homeserver);
  const load = () => import('./homeserver.ts');
  command('status', 'show whether it answers, and which changes are pending').action(
    async (options: Options) => (await load()).homeserverStatusCommand(options),
  );
  command('sync', 'compare its devices with the live sessions, and repair differences')
    .option('--dry-run', 'only list the differences')
    .action(async (options: Options & { dryRun?: true }) => (await load()).homeserverSyncCommand(options));
}

function addLinks(program: Command): void {
  const links = program
    .command('links')
    .description('link accounts at providers to users that exist already');
  const load = () => import('./links.ts');
  const command = (name: string, description: string): Command =>
    subcommandsOf(links)(name, description)
      .option('--csv <file>', 'a table with the columns user, provider, subject and, if needed, issuer')
      .option('--synapse <database>', "what Synapse's database knows: sqlite:FILE or postgres://…")
      .option('--map <pair...>', "AUTH_PROVIDER=PROVIDER: Synapse's name of a provider, and its id here");
  command('plan', 'tell what would be linked, and change nothing').action(async (options: LinkOptions) =>
    (await load()).planLinksCommand(options),
  );
  command('apply', 'link what can be linked').action(async (options: LinkOptions) =>
    (await load()).applyLinksCommand(options),
  );
}

function addAudit(program: Command): void {
  withConfig(program.command('audit').description('list what operators did by command, newest first'))
    .option('--limit <number>', 'how many entries (default: 100)')
    .option('--json', 'print JSON')
    .action(async (options: Options & { limit?: string }) =>
      (await import('./audit.ts')).listAuditCommand(options),
    );
}

function subcommandsOf(parent: Command): (name: string, description: string) => Command {
  return (name, description) =>
    withConfig(parent.command(name).description(description)).option('--json', 'print JSON');
}
