/** `gatehouse clients`: which clients there are; adding one by hand, and removing them. */
import { addClient } from '../clients/add-client.ts';
import { type ClientLookupDeps, clientName } from '../clients/clients.ts';
import {
  configuredClients,
  findKnownClient,
  type KnownClient,
  listStoredClients,
} from '../clients/known-clients.ts';
import { removeClient } from '../clients/remove-client.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import { countLiveSessions } from '../storage/records/session-list.ts';
import { type ClientFlags, clientOfFlags } from './client-flags.ts';
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

async function list(deps: OperatorDeps, options: Options): Promise<void> {
  const stored = await readAll<KnownClient>((last, limit) =>
    listStoredClients(deps, { limit, after: last?.client.id }),
  );
  const all = [...configuredClients(lookup(deps)), ...stored];
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
  console.log(formatTable(['ID', 'NAME', 'FROM', 'AUTH METHOD', 'LAST USED'], rows, 'There are no clients.'));
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
  const wanted = clientOfFlags(deps.config, options);
  if (wanted.id !== undefined && (await findKnownClient(lookup(deps), wanted.id)) !== undefined) {
    throw new CommandFault(
      `there is a client ${printable(wanted.id)} already`,
      'Remove it first, or give this one another --id.',
    );
  }
  const { secret, ...added } = await addClient(deps, wanted);
  if (options.json) {
    printJson({ ...describe(added), ...(secret === undefined ? {} : { client_secret: secret }) });
    return;
  }
  const made = wanted.secret === undefined ? secret : undefined;
  console.log(formatDetails({ client_id: added.client.id, client_secret: made ?? null }));
  if (made !== undefined)
    console.error('The secret is not stored in readable form and cannot be shown again.');
}

async function remove(deps: OperatorDeps, id: string, options: Options & { yes?: true }): Promise<void> {
  const { client, origin } = await requireClient(deps, id);
  if (origin === 'configuration') {
    throw new CommandFault(
      `${printable(id)} is a client of the configuration`,
      'Remove it from `clients` in the configuration, and restart the service.',
    );
  }
  const sessions = await countLiveSessions(deps.db.query, { clientId: id });
  if (options.yes !== true) {
    throw new CommandFault(
      `removing ${printable(clientName(client))} would end ${sessions === 1 ? '1 session' : `${String(sessions)} sessions`}`,
      'Add --yes to confirm.',
    );
  }
  const { removed, ended } = await removeClient(deps, id);
  if (options.json) printJson({ removed, ended });
  else
    console.log(
      `The client is removed, and ${ended === 1 ? '1 session has' : `${String(ended)} sessions have`} ended.`,
    );
}

function lookup({ db, config }: OperatorDeps): ClientLookupDeps {
  return { db, staticClients: readStaticClients(config.clients) };
}

async function requireClient(deps: OperatorDeps, id: string): Promise<KnownClient> {
  const found = await findKnownClient(lookup(deps), id);
  if (found !== undefined) return found;
  throw new CommandFault(`there is no client ${printable(id)}`, 'List the clients: gatehouse clients list');
}

function describe({ client, origin, record }: KnownClient): Record<string, unknown> {
  return {
    client_id: client.id,
    from: origin,
    ...client.metadata,
    created_at: isoTime(record?.created_at ?? null),
    last_used_at: isoTime(record?.last_used_at ?? null),
  };
}
