import type { OperationHandler } from '../../http/operation-handler.ts';
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { type ApiRequest, noStore, type Reply } from '../../http/exchange.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import type { SecretHash } from '../../protocol/token-format.ts';
import { concludeEnding, type EndedSession, endSessionIn } from '../../sessions/end.ts';
import { type DeviceRow, listDevices } from '../../storage/records/devices.ts';
import { consumeUiAuth, type WhatIsAsked } from '../../storage/records/user-interactive.ts';
import { requireUser, type UserAccess } from '../access-token.ts';
import type { MatrixApiDeps } from '../deps.ts';
import { type GuardedBody, proveUser } from '../user-interactive/prove.ts';
import { summariseSignOut } from '../user-interactive/summary.ts';
import { nameDevices } from './shown-device.ts';

/** Signs one device out, once its person has proved themselves; 200 also if it is gone. */
export function deleteDevice(deps: MatrixApiDeps): OperationHandler<operations, 'deleteDevice', unknown> {
  return (request) => remove(deps, request, [request.params['deviceId'] ?? '']);
}

/** Signs several devices out, once their person has proved themselves. */
export function deleteDevices(deps: MatrixApiDeps): OperationHandler<operations, 'deleteDevices', unknown> {
  return (request) => remove(deps, request, request.body.devices);
}

async function remove(
  deps: MatrixApiDeps,
  request: ApiRequest<GuardedBody | undefined>,
  deviceIds: readonly string[],
): Promise<Reply> {
  const access = await requireLegacyUser(deps, request);
  const summarise = (): Promise<WhatIsAsked> => summariseRemoval(deps, access.userId, deviceIds);
  let proof = await proveUser(deps, { request, access, summarise });
  if (proof.kind === 'proven') {
    const ended = await endOn(deps, { userId: access.userId, deviceIds, proof: proof.hash });
    // If the same request came twice at the same moment, the other one has done it.
    if (ended === undefined) proof = await proveUser(deps, { request, access, summarise });
    await concludeEnding(deps, ended ?? []);
  }
  return proof.kind === 'asked' ? proof.reply : { status: 200, headers: noStore, body: {} };
}

/** The specification has no user-interactive authentication for tokens of OAuth clients: they send people to the account page. */
async function requireLegacyUser(deps: MatrixApiDeps, request: ApiRequest): Promise<UserAccess> {
  const access = await requireUser(deps, request);
  if (access.clientId === null) return access;
  throw new MatrixError(404, 'M_UNRECOGNIZED', 'Devices are deleted on the account page', {
    reason: 'an OAuth client asked for user-interactive authentication',
  });
}

/** Ends the sessions on these devices in the transaction that takes the proof; `undefined` if it was taken before. */
async function endOn(
  deps: MatrixApiDeps,
  of: { userId: InternalUserId; deviceIds: readonly string[]; proof: SecretHash },
): Promise<EndedSession[] | undefined> {
  const now = deps.clock.now();
  return deps.db.write(async (tx) => {
    if (!(await consumeUiAuth(tx, { hash: of.proof, at: now }))) return undefined;
    const ended: EndedSession[] = [];
    for (const { session_id: sessionId } of await wantedDevices(tx, of)) {
      const session = await endSessionIn(tx, deps, { sessionId, reason: 'ended_by_user', now });
      if (session !== undefined) ended.push(session);
    }
    return ended;
  });
}

async function summariseRemoval(
  deps: MatrixApiDeps,
  userId: InternalUserId,
  deviceIds: readonly string[],
): Promise<WhatIsAsked> {
  const rows = await wantedDevices(deps.db.query, { userId, deviceIds });
  const names = await nameDevices(deps, rows);
  return summariseSignOut(rows.map((row) => ({ id: row.device_id, name: names.get(row) ?? null })));
}

async function wantedDevices(
  db: Parameters<typeof listDevices>[0],
  of: { userId: InternalUserId; deviceIds: readonly string[] },
): Promise<DeviceRow[]> {
  const wanted = new Set(of.deviceIds);
  return (await listDevices(db, of.userId)).filter(({ device_id: id }) => wanted.has(id));
}
