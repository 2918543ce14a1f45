/** `gatehouse clients`: which clients there are; adding one by hand, and removing them. */
import type { ClientMetadata } from '../clients/client-metadata.ts';
import { type Client, clientName, loadClient, toClient } from '../clients/clients.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { endSessions } from '../sessions/end-many.ts';
import { deleteClient, listClients } from '../storage/records/client-list.ts';
import { type ClientRecord, findClient, insertClient } from '../storage/records/clients.ts';
import { countLiveSessions } from '../storage/records/session-list.ts';
import { type ClientFlags, metadataOfFlags } from './client-flags.ts';
import type { ConfigOption } from './config-option.ts';
import {
  CommandFault,
  isoTime,
  type OperatorDeps,
  printable,
  printJson,
  readAll,
  runOperation,
} from './operator.ts';
import { formatDetails, formatTable, shortTime } from './table.ts';

type Options = ConfigOption & { readonly json?: true };

/** `clients list`. */
export function listClientsCommand(options: Options): Promise<void> {
  return runOperation(options, (deps) => list(deps, options));
}

/** `clients show`. */
export function showClientCommand(id: string, options: Options): Promise<void> {
  return runOperation(options, (deps) => show(deps, id, options));
}

/** `clients add`. */
export function addClientCommand(options: Options & ClientFlags): Promise<void> {
  return runOperation(options, (deps) => add(deps, options));
}

/** `clients remove`. */
export function removeClientCommand(id: string, options: Options & { yes?: true }): Promise<void> {
  return runOperation(options, (deps) => remove(deps, id, options));
}

type Origin = 'configuration' | ClientRecord['origin'];

interface Known {
  readonly client: Client;
  readonly origin: Origin;
  readonly record?: ClientRecord;
}

async function list(deps: OperatorDeps, options: Options): Promise<void> {
  const records = await readAll<ClientRecord>((last, limit) =>
    listClients(deps.db.query, { limit, after: last?.id }),
  );
  const all: Known[] = [
    ...[...staticClients(deps).values()].map((client): Known => ({ client, origin: 'configuration' })),
    ...records.map((record): Known => ({ client: toClient(record), origin: record.origin, record })),
  ];
  if (options.json) {
    printJson(all.map(describe));
    return;
  }
  const rows = all.map(({ client, origin, record }) => [
    client.id,
    clientName(client),
    origin,
    client.metadata.token_endpoint_auth_method,
    record === undefined ? '-' : shortTime(record.last_used_at),
  ]);
  console.log(formatTable(['ID', 'NAME', 'FROM', 'AUTH METHOD', 'LAST USED'], rows, 'There is no client.'));
}

async function show(deps: OperatorDeps, id: string, options: Options): Promise<void> {
  const known = await requireClient(deps, id);
  const sessions = await countLiveSessions(deps.db.query, { clientId: id });
  if (options.json) {
    printJson({ ...describe(known), sessions });
    return;
  }
  const { client, origin, record } = known;
  console.log(
    formatDetails({
      Id: client.id,
      Name: clientName(client),
      'Home page': client.metadata.client_uri ?? null,
      'Redirect URIs': client.metadata.redirect_uris,
      Grants: client.metadata.grant_types,
      'Auth method': client.metadata.token_endpoint_auth_method,
      From: origin,
      Created: record === undefined ? null : shortTime(record.created_at),
      'Last used': record === undefined ? null : shortTime(record.last_used_at),
      Sessions: String(sessions),
    }),
  );
}

async function add(deps: OperatorDeps, options: Options & ClientFlags): Promise<void> {
  const now = deps.clock.now();
  const id = newRecordId(now, deps.random);
  const metadata: ClientMetadata = metadataOfFlags(id, options);
  const secret =
    metadata.token_endpoint_auth_method === 'none' ? undefined : issueSecret('clientSecret', deps.random);
  const record = await deps.db.write((tx) =>
    insertClient(tx, {
      id,
      metadata_json: JSON.stringify(metadata),
      metadata_hash: null,
      secret_hash: secret === undefined ? null : hashSecret(secret),
      origin: 'operator',
      created_at: now,
      last_used_at: now,
    }),
  );
  if (options.json) {
    const known: Known = { client: toClient(record), origin: record.origin, record };
    printJson({ ...describe(known), ...(secret === undefined ? {} : { client_secret: secret }) });
    return;
  }
  console.log(formatDetails({ client_id: id, client_secret: secret ?? null }));
  if (secret !== undefined) console.error('The secret is not kept and cannot be shown again.');
}

async function remove(deps: OperatorDeps, id: string, options: Options & { yes?: true }): Promise<void> {
  const { client, origin } = await requireClient(deps, id);
  if (origin === 'configuration') {
    throw new CommandFault(
      `${printable(id)} stands in the configuration`,
      'Remove it from `clients` there, and restart the service.',
    );
  }
  const sessions = await countLiveSessions(deps.db.query, { clientId: id });
  if (options.yes !== true) {
    throw new CommandFault(
      `removing ${printable(clientName(client))} would end ${sessions === 1 ? '1 session' : `${String(sessions)} sessions`}`,
      'Say --yes if it is meant.',
    );
  }
  // First the client: from here on no session of it starts.
  const removed = await deps.db.write((tx) => deleteClient(tx, id));
  const ended = await endSessions(deps, { of: { clientId: id }, reason: 'ended_by_admin' });
  if (options.json) printJson({ removed, ended });
  else
    console.log(
      `The client is removed, and ${ended === 1 ? '1 session has' : `${String(ended)} sessions have`} ended.`,
    );
}

function staticClients({ config }: OperatorDeps): ReadonlyMap<string, Client> {
  return readStaticClients(config.clients);
}

async function requireClient(deps: OperatorDeps, id: string): Promise<Known> {
  const fixed = staticClients(deps).get(id);
  if (fixed !== undefined) return { client: fixed, origin: 'configuration' };
  const client = await loadClient({ db: deps.db, staticClients: new Map() }, id);
  const record = client && (await findClient(deps.db.query, id));
  if (client === undefined || record === undefined) {
    throw new CommandFault(
      `there is no client ${printable(id)}`,
      'See which there are: gatehouse clients list',
    );
  }
  return { client, origin: record.origin, record };
}

function describe({ client, origin, record }: Known): Record<string, unknown> {
  return {
    client_id: client.id,
    from: origin,
    ...client.metadata,
    created_at: isoTime(record?.created_at ?? null),
    last_used_at: isoTime(record?.last_used_at ?? null),
  };
}
