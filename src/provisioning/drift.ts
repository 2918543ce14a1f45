/**
 * Where the homeserver and we differ, though the outbox is empty: after a restored backup, or changes by hand. Repairs go through the outbox, where a sign-in
 * takes back what would delete its device.
 */
import type { Homeserver } from '../homeserver/connector.ts';
import type { DeviceId } from '../protocol/identifiers.ts';
import type { Database } from '../storage/engine/database.ts';
import { listOutboxOf, type OutboxKind } from '../storage/records/outbox.ts';
import { listLiveDevices } from '../storage/records/session-list.ts';
import type { User } from '../storage/records/users.ts';
import { deliverOutboxOf, type OutboxDeps } from './deliver.ts';
import { queueTelling } from './outbox.ts';

/**
 * One difference. `device_missing`: a session lives on it. `device_left_over`: no session does, and it is not dehydrated. `still_active`: the user is deactivated
 * here. `deactivated_there`: by the homeserver's operator, and not here; that is a decision, which is reported and left.
 */
export type Difference =
  | { readonly kind: 'device_missing'; readonly deviceId: DeviceId; readonly name: string | null }
  | { readonly kind: 'device_left_over'; readonly deviceId: DeviceId }
  | { readonly kind: 'still_active' }
  | { readonly kind: 'deactivated_there' };

/** The differences about one user. What waits in the outbox is on its way, and is none. Throws `Unavailable` if the homeserver cannot be asked. */
async function findDifferences(
  { db, homeserver }: { readonly db: Database; readonly homeserver: Homeserver },
  { user, accessToken }: { readonly user: User; readonly accessToken: string },
): Promise<Difference[]> {
  const account = await homeserver.findUser(user);
  const devices =
    account === undefined ? [] : await homeserver.listDevices({ userId: account.userId, accessToken });
  const waiting = await listOutboxOf(db.query, user.id);
  const waits = (kind: OutboxKind): boolean => waiting.some((entry) => entry.kind === kind);
  if (user.deactivated_at !== null) {
    const active = account !== undefined && !account.deactivated;
    return active && !waits('deactivate_user') ? [{ kind: 'still_active' }] : [];
  }
  if (account?.deactivated === true) return waits('reactivate_user') ? [] : [{ kind: 'deactivated_there' }];
  // After the homeserver's: a session that begins in between has both by now.
  const live = await listLiveDevices(db.query, user.id);
  const isWaiting = (deviceId: DeviceId): boolean => waiting.some((entry) => entry.device_id === deviceId);
  const missing = live
    .filter(({ deviceId }) => !devices.some((device) => device.deviceId === deviceId))
    .map((device) => ({ kind: 'device_missing' as const, ...device }));
  const leftOver = devices
    .filter(({ deviceId, dehydrated }) => !dehydrated && !live.some((each) => each.deviceId === deviceId))
    .map(({ deviceId }) => ({ kind: 'device_left_over' as const, deviceId }));
  return [...missing, ...leftOver].filter(({ deviceId }) => !isWaiting(deviceId));
}

export interface Finding {
  readonly user: User;
  readonly difference: Difference;
  /** False in a dry run, and for what is only reported. */
  readonly repaired: boolean;
}

/**
 * Compares some users, and repairs what differs unless it is a dry run. A device that is left over is looked at twice, a `pause` apart, because the homeserver
 * has a new device a moment before the session on it begins.
 */
export async function syncUsers(
  deps: OutboxDeps,
  input: {
    readonly users: readonly User[];
    readonly accessToken: string;
    readonly dryRun: boolean;
    readonly pause: () => Promise<void>;
  },
): Promise<Finding[]> {
  const { accessToken } = input;
  const look = async (user: User): Promise<{ user: User; differences: Difference[] }> => ({
    user,
    differences: await findDifferences(deps, { user, accessToken }),
  });
  const differing: Awaited<ReturnType<typeof look>>[] = [];
  for (const user of input.users) {
    const seen = await look(user);
    if (seen.differences.length > 0) differing.push(seen);
  }
  const leftOver = differing.some(({ differences }) =>
    differences.some(({ kind }) => kind === 'device_left_over'),
  );
  if (leftOver) await input.pause();
  const findings: Finding[] = [];
  for (const { user, ...first } of differing) {
    const differences = leftOver ? (await look(user)).differences : first.differences;
    const told = input.dryRun ? [] : await repairDifferences(deps, { user, differences });
    findings.push(
      ...differences.map((difference) => ({ user, difference, repaired: told.includes(difference) })),
    );
  }
  return findings;
}

/** Queues what makes the homeserver agree, and delivers it. Resolves to the differences that were told; what cannot be delivered now stays queued. */
async function repairDifferences(
  deps: OutboxDeps,
  { user, differences }: { readonly user: User; readonly differences: readonly Difference[] },
): Promise<Difference[]> {
  const about = { userId: user.id, now: deps.clock.now() };
  const told = await deps.db.write(async (tx) => {
    const queued: Difference[] = [];
    for (const difference of differences) {
      switch (difference.kind) {
        case 'device_missing': {
          const { deviceId, name } = difference;
          const payload = name === null ? {} : { displayname: name };
          await queueTelling(tx, deps, { kind: 'upsert_device', ...about, deviceId, payload });
          break;
        }
        case 'device_left_over':
          await queueTelling(tx, deps, {
            kind: 'delete_device',
            ...about,
            deviceId: difference.deviceId,
            payload: {},
          });
          break;
        case 'still_active': {
          const payload = { erase: user.erased_at !== null };
          await queueTelling(tx, deps, { kind: 'deactivate_user', ...about, payload });
          break;
        }
        case 'deactivated_there':
          continue;
      }
      queued.push(difference);
    }
    return queued;
  });
  await deliverOutboxOf(deps, user.id);
  return told;
}
