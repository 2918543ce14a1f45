/** `gatehouse users`: who there is, and locking, unlocking, deactivating them. */
import { userId } from '../protocol/identifiers.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../people/people.ts';
import { listLinks, listUsers } from '../storage/records/people.ts';
import { countLiveSessions } from '../storage/records/session-list.ts';
import type { User } from '../storage/records/users.ts';
import type { ConfigOption } from './config-option.ts';
import {
  CommandFault,
  isoTime,
  type OperatorDeps,
  printJson,
  readAll,
  requireUser,
  runOperation,
} from './operator.ts';
import { formatDetails, formatTable, shortTime } from './table.ts';

export type Options = ConfigOption & { readonly json?: true };

/** `users list`. */
export function listUsersCommand(options: Options & { containing?: string }): Promise<void> {
  return runOperation(options, (deps) => list(deps, options));
}

/** `users show`. */
export function showUserCommand(name: string, options: Options): Promise<void> {
  return runOperation(options, (deps) => show(deps, name, options));
}

/** `users lock`. */
export function lockUserCommand(name: string, options: Options): Promise<void> {
  return runOperation(options, (deps) => lock(deps, name, options));
}

/** `users unlock`. */
export function unlockUserCommand(name: string, options: Options): Promise<void> {
  return runOperation(options, (deps) => unlock(deps, name, options));
}

/** `users deactivate`. */
export function deactivateUserCommand(name: string, options: Options & { yes?: true }): Promise<void> {
  return runOperation(options, (deps) => deactivate(deps, name, options));
}

async function list(deps: OperatorDeps, options: Options & { containing?: string }): Promise<void> {
  const users = await readAll<User>((last, limit) =>
    listUsers(deps.db.query, { limit, after: last?.localpart, containing: options.containing }),
  );
  if (options.json) {
    printJson(users.map((user) => describe(deps, user)));
    return;
  }
  const rows = users.map((user) => [
    userId(user.localpart, deps.config.server_name),
    stateOf(user),
    shortTime(user.created_at),
    user.displayname ?? '',
  ]);
  console.log(formatTable(['USER', 'STATE', 'CREATED', 'NAME'], rows, 'There are no users.'));
}

async function show(deps: OperatorDeps, name: string, options: Options): Promise<void> {
  const user = await requireUser(deps, name);
  const links = await listLinks(deps.db.query, user.id);
  const sessions = await countLiveSessions(deps.db.query, { userId: user.id });
  if (options.json) {
    printJson({
      ...describe(deps, user),
      sessions,
      links: links.map((link) => ({
        provider: link.provider_id,
        issuer: link.issuer,
        subject: link.subject,
        last_login_at: isoTime(link.last_login_at),
      })),
    });
    return;
  }
  console.log(
    formatDetails({
      User: userId(user.localpart, deps.config.server_name),
      Name: user.displayname,
      State: stateOf(user),
      Id: user.id,
      Created: shortTime(user.created_at),
      Sessions: String(sessions),
      'Signs in at': links.map(
        (link) => `${link.issuer} as ${link.subject} (last ${shortTime(link.last_login_at)})`,
      ),
    }),
  );
}

async function lock(deps: OperatorDeps, name: string, options: Options): Promise<void> {
  const user = await requireUser(deps, name);
  refuseDeactivated(user);
  const changed = await lockPerson(deps, user.id);
  await report(deps, user, { ...options, changed, done: 'is locked', already: 'was locked already' });
}

async function unlock(deps: OperatorDeps, name: string, options: Options): Promise<void> {
  const user = await requireUser(deps, name);
  refuseDeactivated(user);
  const changed = await unlockPerson(deps, user.id);
  await report(deps, user, { ...options, changed, done: 'is unlocked', already: 'was not locked' });
}

async function deactivate(
  deps: OperatorDeps,
  name: string,
  options: Options & { yes?: true },
): Promise<void> {
  const user = await requireUser(deps, name);
  if (options.yes !== true) {
    throw new CommandFault(
      `deactivating ${userId(user.localpart, deps.config.server_name)} ends all their sessions and deletes their devices`,
      'Add --yes to confirm; `gatehouse users lock` keeps both.',
    );
  }
  const { changed, ended } = await deactivatePerson(deps, user.id);
  const done = `is deactivated, and ${ended === 1 ? '1 session has' : `${String(ended)} sessions have`} ended`;
  await report(deps, user, {
    ...options,
    changed: changed || ended > 0,
    done,
    already: 'was deactivated already',
  });
}

function refuseDeactivated(user: User): void {
  if (user.deactivated_at === null) return;
  throw new CommandFault(
    `${user.localpart} is deactivated`,
    'A deactivated user cannot be locked or unlocked. To undo the deactivation: gatehouse users reactivate',
  );
}

/** Tells what became of a user: the sentence, or with `--json` the user as they are now, and whether that was changed. */
export async function report(
  deps: OperatorDeps,
  user: User,
  outcome: { json?: true; changed: boolean; done: string; already: string },
): Promise<void> {
  if (outcome.json) {
    printJson({ ...describe(deps, await requireUser(deps, user.id)), changed: outcome.changed });
    return;
  }
  const name = userId(user.localpart, deps.config.server_name);
  console.log(`${name} ${outcome.changed ? outcome.done : outcome.already}.`);
}

function describe({ config }: OperatorDeps, user: User): Record<string, unknown> {
  return {
    id: user.id,
    user_id: userId(user.localpart, config.server_name),
    localpart: user.localpart,
    displayname: user.displayname,
    state: stateOf(user),
    admin: user.is_admin === 1,
    created_at: isoTime(user.created_at),
    locked_at: isoTime(user.locked_at),
    deactivated_at: isoTime(user.deactivated_at),
    erased_at: isoTime(user.erased_at),
  };
}

function stateOf(user: User): 'active' | 'locked' | 'deactivated' | 'erased' {
  if (user.erased_at !== null) return 'erased';
  if (user.deactivated_at !== null) return 'deactivated';
  return user.locked_at === null ? 'active' : 'locked';
}
