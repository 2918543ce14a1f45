/** `gatehouse sessions`: lists and ends sessions. */
import { type Client, type ClientLookupDeps, clientName, loadClient } from '../clients/clients.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import { signOutEverywhere } from '../people/sign-out.ts';
import { userId } from '../protocol/identifiers.ts';
import { endTheseSessions } from '../sessions/end-many.ts';
import { findSession, listSessionRows, type SessionFilter } from '../storage/records/session-list.ts';
import type { ConfigOption } from './config-option.ts';
import {
  CommandFault,
  isoTime,
  type OperatorDeps,
  printable,
  printJson,
  readAll,
  requireUser,
  runOperation,
} from './operator.ts';
import { formatTable, shortTime } from './table.ts';

/** What the commands on sessions are told. */
export interface SessionOptions extends ConfigOption {
  readonly json?: true;
  readonly user?: string;
  readonly client?: string;
  readonly device?: string;
  readonly ended?: true;
  readonly yes?: true;
}

type Row = Awaited<ReturnType<typeof listSessionRows>>[number];

/** `sessions list`. */
export function listSessionsCommand(options: SessionOptions): Promise<void> {
  return runOperation(options, (deps) => list(deps, options));
}

/** `sessions end`. */
export function endSessionsCommand(ids: readonly string[], options: SessionOptions): Promise<void> {
  return runOperation(options, (deps) => end(deps, ids, options));
}

async function list(deps: OperatorDeps, options: SessionOptions): Promise<void> {
  const rows = await readRows(deps, options);
  const nameOf = clientNames(deps);
  if (options.json) {
    printJson(await Promise.all(rows.map(async (row) => describe(deps, row, await nameOf(row.client_id)))));
    return;
  }
  const table = await Promise.all(
    rows.map(async (row) => [
      row.id,
      row.localpart === null ? '-' : userId(row.localpart, deps.config.server_name),
      row.device_id ?? '-',
      row.client_id === null ? legacyName(row) : await nameOf(row.client_id),
      shortTime(row.created_at),
      row.ended_at === null ? shortTime(row.last_active_at) : `ended: ${row.end_reason ?? ''}`,
    ]),
  );
  console.log(
    formatTable(
      ['ID', 'USER', 'DEVICE', 'CLIENT', 'CREATED', 'LAST ACTIVE'],
      table,
      'There are no sessions.',
    ),
  );
}

async function end(deps: OperatorDeps, ids: readonly string[], options: SessionOptions): Promise<void> {
  const chosen = ids.length > 0 ? await requireSessions(deps, ids) : await chooseSessions(deps, options);
  if (ids.length === 0 && isWholePerson(options)) {
    const { id } = await requireUser(deps, options.user);
    await signOutEverywhere(deps, { userId: id, reason: 'ended_by_admin' });
    report(chosen, options);
    return;
  }
  report(await endTheseSessions(deps, { ids: chosen, reason: 'ended_by_admin' }), options);
}

/** Everything of a person: then what could still become a session comes to nothing too. */
function isWholePerson(options: SessionOptions): options is SessionOptions & { readonly user: string } {
  return options.user !== undefined && options.client === undefined && options.device === undefined;
}

function report(ended: readonly string[], options: SessionOptions): void {
  if (options.json) printJson({ ended });
  else
    console.log(ended.length === 1 ? '1 session has ended.' : `${String(ended.length)} sessions have ended.`);
}

async function requireSessions(deps: OperatorDeps, ids: readonly string[]): Promise<string[]> {
  for (const id of ids) {
    if ((await findSession(deps.db.query, id)) !== undefined) continue;
    throw new CommandFault(
      `there is no session ${printable(id)}; nothing was done`,
      'List the sessions: gatehouse sessions list',
    );
  }
  return [...new Set(ids)];
}

async function chooseSessions(deps: OperatorDeps, options: SessionOptions): Promise<string[]> {
  if (options.user === undefined && options.client === undefined && options.device === undefined) {
    throw new CommandFault(
      'no sessions are selected',
      'Name their ids, or use --user, --client or --device.',
    );
  }
  const { ended: _ended, ...live } = options;
  const rows = await readRows(deps, live);
  if (options.yes !== true && rows.length > 0) {
    throw new CommandFault(
      `this would end ${rows.length === 1 ? '1 session' : `${String(rows.length)} sessions`}`,
      'Add --yes to confirm.',
    );
  }
  return rows.map(({ id }) => id);
}

async function readRows(deps: OperatorDeps, options: SessionOptions): Promise<Row[]> {
  const filter: SessionFilter = {
    ...(options.user === undefined ? {} : { userId: (await requireUser(deps, options.user)).id }),
    ...(options.client === undefined ? {} : { clientId: options.client }),
    ...(options.device === undefined ? {} : { deviceId: options.device }),
    ...(options.ended === true ? { ended: 'included' } : {}),
  };
  return readAll<Row>((last, limit) =>
    listSessionRows(deps.db.query, { ...filter, limit, before: last?.id }),
  );
}

/** Names of clients, each looked up once. */
function clientNames(deps: OperatorDeps): (id: string | null) => Promise<string> {
  const lookup: ClientLookupDeps = { db: deps.db, staticClients: readStaticClients(deps.config.clients) };
  const known = new Map<string, Promise<Client | undefined>>();
  return async (id) => {
    if (id === null) return '-';
    const client = known.get(id) ?? loadClient(lookup, id);
    known.set(id, client);
    const found = await client;
    return found === undefined ? id : clientName(found);
  };
}

/** Matrix's own login has no client: only the device may have a name. */
function legacyName({ device_name: name }: Row): string {
  return name === null ? 'legacy login' : `legacy login: ${name}`;
}

function describe({ config }: OperatorDeps, row: Row, client: string): Record<string, unknown> {
  return {
    id: row.id,
    user_id: row.localpart === null ? null : userId(row.localpart, config.server_name),
    client_id: row.client_id,
    client_name: row.client_id === null ? null : client,
    device_id: row.device_id,
    device_name: row.device_name,
    scope: row.scope.split(' '),
    origin: row.origin,
    created_at: isoTime(row.created_at),
    last_active_at: isoTime(row.last_active_at),
    authenticated_at: isoTime(row.authenticated_at),
    ended_at: isoTime(row.ended_at),
    end_reason: row.end_reason,
  };
}
