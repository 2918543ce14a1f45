/** `gatehouse users export`: what is stored about a person, as JSON. */
import { exportPersonalData } from '../people/export.ts';
import { userId } from '../protocol/identifiers.ts';
import type { ConfigOption } from './config-option.ts';
import { printJson, requireUser, runOperation } from './operator.ts';

/** `users export`: always JSON; exit code 1 if there is no such user. */
export function exportUserCommand(name: string, options: ConfigOption): Promise<void> {
  return runOperation(options, async (deps) => {
    const user = await requireUser(deps, name);
    printJson({
      user_id: userId(user.localpart, deps.config.server_name),
      ...(await exportPersonalData(deps, user.id)),
    });
  });
}
