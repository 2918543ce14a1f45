/** `gatehouse users reactivate` and `users erase`: what may become of a person after deactivation. */
import { eraseDeactivated, reactivatePerson } from '../people/erase.ts';
import { userId } from '../protocol/identifiers.ts';
import { CommandFault, requireUser, runOperation } from './operator.ts';
import { type Options, report } from './users.ts';

/** `users reactivate`. */
export function reactivateUserCommand(name: string, options: Options): Promise<void> {
  return runOperation(options, async (deps) => {
    const user = await requireUser(deps, name);
    if (user.erased_at !== null) {
      throw new CommandFault(
        `the data of ${user.localpart} is erased`,
        'This cannot be undone: nothing is left that identifies the person.',
      );
    }
    const changed = await reactivatePerson(deps, user.id);
    const done = 'is active again, and may sign in';
    await report(deps, user, { ...options, changed, done, already: 'was not deactivated' });
  });
}

/** `users erase`. */
export function eraseUserCommand(name: string, options: Options & { yes?: true }): Promise<void> {
  return runOperation(options, async (deps) => {
    const user = await requireUser(deps, name);
    if (user.deactivated_at === null) {
      throw new CommandFault(
        `${user.localpart} is not deactivated`,
        'Only a deactivated user can be erased. First run: gatehouse users deactivate',
      );
    }
    if (options.yes !== true) {
      throw new CommandFault(
        `erasing the data of ${userId(user.localpart, deps.config.server_name)} cannot be undone`,
        'Add --yes to confirm. Only the name stays reserved, so that nobody else gets it.',
      );
    }
    const changed = await eraseDeactivated(deps, user.id);
    await report(deps, user, { ...options, changed, done: 'is erased', already: 'was erased already' });
  });
}
