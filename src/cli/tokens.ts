/** `gatehouse tokens`: access tokens for servers that are no homeserver; issued, listed and revoked by the operator. */
import { findKnownClient } from '../clients/known-clients.ts';
import { issueToken } from '../clients/issue-token.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import { ensureEncryptionKey } from '../config/encryption-key.ts';
import { operatorScopes } from '../composition/operator-scopes.ts';
import { userId as matrixId } from '../protocol/identifiers.ts';
import { isOperatorScope } from '../protocol/operator-scope.ts';
import { splitScope } from '../protocol/scope.ts';
import { findSessionOfToken } from '../sessions/end.ts';
import { endTheseSessions } from '../sessions/end-many.ts';
import { LONGEST_JWT } from '../signing-keys/key-schedule.ts';
import { openSigningKeys, type SigningKeys } from '../signing-keys/signing-keys.ts';
import { createSealer } from '../storage/sealed.ts';
import { findSession, listSessionRows } from '../storage/records/session-list.ts';
import { ownTokenForms } from '../verification/own-token-hash.ts';
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
import { formatDetails, formatTable, shortTime } from './table.ts';

export interface TokenOptions extends ConfigOption {
  readonly json?: true;
  readonly user?: string;
  readonly client?: string;
  readonly scope?: readonly string[];
  readonly ttl?: string;
}

type Row = Awaited<ReturnType<typeof listSessionRows>>[number];

/** How long a token lives for which nobody says so, in seconds. */
const DEFAULT_TTL = 3600;
const LONGEST_TTL = 315_360_000;

/** `tokens issue`. */
export function issueTokenCommand(options: TokenOptions): Promise<void> {
  return runOperation(options, (deps) => issue(deps, options));
}

/** `tokens list`. */
export function listTokensCommand(options: TokenOptions): Promise<void> {
  return runOperation(options, (deps) => list(deps, options));
}

/** `tokens revoke`. */
export function revokeTokensCommand(names: readonly string[], options: TokenOptions): Promise<void> {
  return runOperation(options, (deps) => revoke(deps, names, options));
}

async function issue(deps: OperatorDeps, options: TokenOptions): Promise<void> {
  const { config } = deps;
  const client = await requireClient(deps, options.client);
  const user = options.user === undefined ? undefined : await requireUser(deps, options.user);
  const isJwt = client.operator?.jwtAlgorithm !== undefined;
  const ttl = requireTtl(options.ttl, isJwt ? LONGEST_JWT / 1000 : LONGEST_TTL);
  const scope = requireScope(deps, options.scope ?? [], user !== undefined);
  const issued = await issueToken(
    {
      ...deps,
      sessionLimits: { perUser: 0, perClient: 0 },
      issuer: config.public_url,
      serverName: config.server_name,
      operatorScopes: operatorScopes(config),
      signingKeys: await signingKeys(deps),
    },
    { client, userId: user?.id ?? null, scope, ttl: ttl * 1000 },
  );
  if (!issued.ok)
    throw new CommandFault(`no token was issued: ${issued.reason}`, 'See gatehouse users show.');
  const told = {
    access_token: issued.accessToken,
    expires_in: ttl,
    scope: scope.join(' '),
    id: issued.sessionId,
  };
  if (options.json) printJson(told);
  else {
    console.log(formatDetails({ ...told, expires_in: `${String(ttl)} seconds` }));
    console.error('The token is not stored in readable form and cannot be shown again.');
  }
}

async function requireClient({ db, config }: OperatorDeps, id: string | undefined) {
  if (id === undefined)
    throw new CommandFault('nothing says which client the token is for', 'Say --client ID.');
  const known = await findKnownClient({ db, staticClients: readStaticClients(config.clients) }, id);
  if (known !== undefined) return known.client;
  throw new CommandFault(
    `there is no client ${printable(id)}`,
    'See which there are: gatehouse clients list',
  );
}

function requireTtl(text: string | undefined, longest: number): number {
  const ttl = Number(text ?? DEFAULT_TTL);
  if (Number.isInteger(ttl) && ttl >= 1 && ttl <= longest) return ttl;
  throw new CommandFault(
    `--ttl is ${printable(text ?? '')}; must be a whole number of seconds from 1 to ${String(longest)}`,
    'A token must expire: for a year, use --ttl 31536000. JWTs live a day at most.',
  );
}

/** A client's own token may have any word for a scope; a person's, those of the configuration. */
function requireScope({ config }: OperatorDeps, given: readonly string[], ofPerson: boolean): string[] {
  const scope = splitScope(given.join(' '));
  if (scope === undefined || scope.length === 0 || !scope.every(isOperatorScope)) {
    throw new CommandFault('--scope must name scopes of your own, and none of Matrix', 'Say --scope NAME.');
  }
  const defined = new Set(config.scopes.map((each) => each.scope));
  const unknown = scope.find((each) => ofPerson && !defined.has(each));
  if (unknown === undefined) return scope;
  throw new CommandFault(
    `there is no scope ${printable(unknown)}`,
    'Define it under `scopes` in the configuration.',
  );
}

function signingKeys(deps: OperatorDeps): Promise<SigningKeys> {
  const { key } = ensureEncryptionKey(deps.config, deps.random);
  return openSigningKeys({ ...deps, sealer: createSealer(key, deps.random) });
}

async function list(deps: OperatorDeps, options: TokenOptions): Promise<void> {
  const filter = {
    kind: 'other' as const,
    ...(options.user === undefined ? {} : { userId: (await requireUser(deps, options.user)).id }),
    ...(options.client === undefined ? {} : { clientId: options.client }),
  };
  const rows = await readAll<Row>((last, limit) =>
    listSessionRows(deps.db.query, { ...filter, limit, before: last?.id }),
  );
  const nameOf = ({ localpart }: Row): string | null =>
    localpart === null ? null : matrixId(localpart, deps.config.server_name);
  if (options.json) {
    printJson(
      rows.map((row) => ({
        id: row.id,
        user_id: nameOf(row),
        client_id: row.client_id,
        scope: row.scope.split(' '),
        origin: row.origin,
        created_at: isoTime(row.created_at),
        last_active_at: isoTime(row.last_active_at),
        expires_at: isoTime(row.expires_at),
      })),
    );
    return;
  }
  const table = rows.map((row) => [
    row.id,
    nameOf(row) ?? '-',
    row.client_id ?? '-',
    row.scope,
    shortTime(row.last_active_at),
    row.expires_at === null ? '-' : shortTime(row.expires_at),
  ]);
  console.log(
    formatTable(['ID', 'USER', 'CLIENT', 'SCOPE', 'LAST ACTIVE', 'ENDS'], table, 'There is no token.'),
  );
}

/** By the ids of `tokens list`, or by the token itself, which is read from standard input: what stands in a command line can be seen by others. */
async function revoke(deps: OperatorDeps, names: readonly string[], options: TokenOptions): Promise<void> {
  if (names.length === 0) {
    throw new CommandFault(
      'nothing says which tokens',
      'Name ids of gatehouse tokens list, or - to read a token from standard input.',
    );
  }
  const ids: string[] = [];
  for (const name of names)
    ids.push(name === '-' ? await sessionOfInput(deps) : await requireSession(deps, name));
  const ended = await endTheseSessions(deps, { ids: [...new Set(ids)], reason: 'revoked' });
  if (options.json) printJson({ ended });
  else
    console.log(ended.length === 1 ? '1 token is revoked.' : `${String(ended.length)} tokens are revoked.`);
}

async function requireSession({ db }: OperatorDeps, id: string): Promise<string> {
  if ((await findSession(db.query, id)) !== undefined) return id;
  throw new CommandFault(
    `there is no token ${printable(id)}; nothing was done`,
    'See which there are: gatehouse tokens list',
  );
}

async function sessionOfInput(deps: OperatorDeps): Promise<string> {
  let text = '';
  for await (const part of process.stdin) text += String(part);
  const keys = await signingKeys(deps);
  const forms = ownTokenForms({ issuer: deps.config.public_url, keys: () => keys.published() });
  const found = await findSessionOfToken(deps.db, text.trim(), forms);
  if (found !== undefined) return found.sessionId;
  throw new CommandFault(
    'nobody has the token of standard input; nothing was done',
    'Perhaps it was cut, or its session is gone.',
  );
}
