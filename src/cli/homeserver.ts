/** `gatehouse homeserver`: what the homeserver has not been told yet, and where it differs from what is true here. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Finding, syncUsers } from '../provisioning/drift.ts';
import { userId } from '../protocol/identifiers.ts';
import { ADMIN_SCOPE, API_SCOPE } from '../protocol/scope.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { SERVICE_LOCALPART, ServiceUserFault, withServiceToken } from '../sessions/service-session.ts';
import { summariseOutbox } from '../storage/records/outbox.ts';
import { listUsers } from '../storage/records/people.ts';
import type { User } from '../storage/records/users.ts';
import type { ConfigOption } from './config-option.ts';
import { CommandFault, isoTime, type OperatorDeps, printJson, runOperation } from './operator.ts';
import { explainFault } from './start-fault.ts';
import { formatTable, shortTime } from './table.ts';

type Options = ConfigOption & { readonly json?: true };
type SyncOptions = Options & { readonly dryRun?: true };

/** Users that are compared with one token, which lives for minutes. */
const BATCH = 100;
/** Between two looks at a device that is left over, in milliseconds: longer than a sign-in takes from announcing its device to its session. */
const PAUSE = 2_000;

/** `homeserver status`. */
export function homeserverStatusCommand(options: Options): Promise<void> {
  return runOperation(options, (deps) => status(deps, options));
}

/** `homeserver sync`. */
export function homeserverSyncCommand(options: SyncOptions): Promise<void> {
  return runOperation(options, (deps) => sync(deps, options));
}

async function status(deps: OperatorDeps, { json }: Options): Promise<void> {
  const { kind, url } = deps.config.homeserver;
  const fault = await reachFault(deps);
  const waiting = await summariseOutbox(deps.db.query);
  if (json) {
    printJson({
      kind,
      url: url ?? null,
      reachable: fault === undefined,
      problem: fault ?? null,
      outbox: waiting.map(({ oldest, ...row }) => ({ ...row, oldest: isoTime(oldest) })),
    });
    return;
  }
  if (kind === 'none') console.log('The homeserver is never called (kind: none).');
  else console.log(fault === undefined ? `${url ?? ''} answers.` : `${url ?? ''}: ${fault}`);
  const rows = waiting.map((row) => [
    row.kind,
    String(row.entries),
    String(row.users),
    shortTime(row.oldest),
    String(row.attempts),
  ]);
  const nothing = 'The homeserver is up to date.';
  console.log(formatTable(['WAITING', 'ENTRIES', 'USERS', 'OLDEST', 'ATTEMPTS'], rows, nothing));
}

/** Why the homeserver cannot be told, in words; `undefined` if it can. */
async function reachFault({ homeserver }: OperatorDeps): Promise<string | undefined> {
  try {
    await homeserver.findUser({ localpart: SERVICE_LOCALPART });
    return undefined;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return explainFault(error);
  }
}

async function sync(deps: OperatorDeps, { json, ...options }: SyncOptions): Promise<void> {
  const dryRun = options.dryRun === true;
  if (!deps.homeserver.listens) {
    throw new CommandFault(
      'there is no homeserver to compare with (homeserver.kind: none)',
      'It uses introspection, and stores nothing that could differ.',
    );
  }
  const findings: Finding[] = [];
  let compared = 0;
  let users = await listUsers(deps.db.query, { limit: BATCH });
  while (users.length > 0) {
    compared += users.length;
    findings.push(...(await syncBatch(deps, { users, dryRun })));
    users = await listUsers(deps.db.query, { limit: BATCH, after: users.at(-1)?.localpart });
  }
  const unrepaired = findings.filter(({ repaired }) => !repaired).length;
  if (json) {
    printJson({
      users: compared,
      dry_run: dryRun,
      differences: findings.map((each) => describe(deps, each)),
    });
    return;
  }
  const rows = findings.map((each) => {
    const { user_id, device_id, kind, repaired } = describe(deps, each);
    return [user_id, device_id ?? '-', texts[kind], repaired ? 'repaired' : '-'];
  });
  console.log(
    formatTable(
      ['USER', 'DEVICE', 'DIFFERENCE', ''],
      rows,
      `No differences: ${String(compared)} users were compared.`,
    ),
  );
  if (dryRun && unrepaired > 0) console.log('Nothing was changed: this is a dry run.');
}

const texts: Readonly<Record<Finding['difference']['kind'], string>> = {
  device_missing: 'the homeserver does not have this device, but it has a live session',
  device_left_over: 'the homeserver has this device, but it has no live session',
  still_active: 'deactivated here, active at the homeserver',
  deactivated_there:
    'deactivated at the homeserver, active here: gatehouse users deactivate, or reactivate it there',
};

async function syncBatch(
  deps: OperatorDeps,
  batch: { readonly users: readonly User[]; readonly dryRun: boolean },
): Promise<Finding[]> {
  try {
    return await withServiceToken(deps, `${API_SCOPE} ${ADMIN_SCOPE}`, (accessToken) =>
      syncUsers(deps, { ...batch, accessToken, pause: () => sleep(PAUSE) }),
    );
  } catch (error) {
    if (!(error instanceof ServiceUserFault)) throw error;
    throw new CommandFault(error.message, `The user ${SERVICE_LOCALPART} must be reserved for this service.`);
  }
}

function describe(
  { config }: OperatorDeps,
  { user, difference, repaired }: Finding,
): { user_id: string; device_id: string | null; kind: Finding['difference']['kind']; repaired: boolean } {
  return {
    user_id: userId(user.localpart, config.server_name),
    device_id: 'deviceId' in difference ? difference.deviceId : null,
    kind: difference.kind,
    repaired,
  };
}
