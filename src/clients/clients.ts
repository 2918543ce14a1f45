import type { ClientId } from '../protocol/identifiers.ts';
import type { JSONWebKeySet } from 'jose';
import type { SigningAlgorithm } from '../protocol/signing-algorithms.ts';
import type { SecretHash } from '../protocol/token-format.ts';
import { type ClientRecord, findClient } from '../storage/records/clients.ts';
import type { Database } from '../storage/engine/database.ts';
import { isHostOrSubdomain } from './client-hosts.ts';
import type { ClientMetadata } from './client-metadata.ts';

/** A client as the endpoints see it: registered in the database, or static in the configuration. */
export interface Client {
  readonly id: ClientId;
  readonly metadata: ClientMetadata;
  readonly secretHash: SecretHash | null;
  /** Only clients that the operator made have these. */
  readonly operator?: OperatorSettings;
}

/** What the operator alone can give a client. */
export interface OperatorSettings {
  /** Public keys, for `private_key_jwt`. */
  readonly keys?: JSONWebKeySet;
  /** No consent page. */
  readonly trusted: boolean;
  /** Life of its access tokens in milliseconds, in place of the general one. */
  readonly accessTokenTtl?: number;
  /** Milliseconds after which its sessions end, in place of those of its scopes. */
  readonly sessionTtl?: number;
  /** Its token answers tell what introspection would tell of the person. */
  readonly tellsClaims?: true;
  /** Its access tokens are JWTs with this signature; undefined: they are opaque. */
  readonly jwtAlgorithm?: SigningAlgorithm;
  /** `typ` of those JWTs, if a server does not take that of RFC 9068. */
  readonly jwtType?: 'JWT';
  /** What it may ask for beyond Matrix, for itself and for its users. */
  readonly scopes: readonly string[];
  /** May introspect the tokens of other clients too. */
  readonly introspectsAll: boolean;
}

export interface ClientLookupDeps {
  readonly db: Pick<Database, 'query'>;
  readonly staticClients: ReadonlyMap<string, Client>;
}

/** The client with this id, a static one first; `undefined` for one that was never registered, and for ids that cannot be one. */
export async function loadClient(deps: ClientLookupDeps, id: ClientId): Promise<Client | undefined> {
  if (!isClientId(id)) return undefined;
  const known = deps.staticClients.get(id);
  if (known !== undefined) return known;
  const record = await findClient(deps.db.query, id);
  return record && toClient(record);
}

/** Whether there could be a client of this id. */
export function isClientId(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text);
}

/** A row as the endpoints see it. */
export function toClient(record: ClientRecord): Client {
  return {
    id: record.id,
    metadata: JSON.parse(record.metadata_json) as ClientMetadata,
    secretHash: record.secret_hash,
    ...(record.operator_json === null
      ? {}
      : { operator: JSON.parse(record.operator_json) as OperatorSettings }),
  };
}

/** Whether a client can prove who it is. */
export function isConfidential(client: Client): boolean {
  return client.metadata.token_endpoint_auth_method !== 'none';
}

/** What a person is shown as the client's name: what it calls itself, or its host, or its id. */
export function clientName(client: Client): string {
  const name = client.metadata['client_name'];
  return typeof name === 'string' && name.trim() !== '' ? name : (clientHost(client) ?? client.id);
}

/** The host that a client names as its own; see {@link isVerifiedHost}. A static client need not have one. */
export function clientHost(client: Client): string | undefined {
  const { client_uri: uri } = client.metadata;
  return uri === undefined ? undefined : new URL(uri).host;
}

/** Whether somebody stands behind that host: answers can only go to it, or the operator has named the client. */
export function isVerifiedHost({ metadata, operator }: Client): boolean {
  if (operator !== undefined) return true;
  const { client_uri: uri, redirect_uris: redirects } = metadata;
  if (uri === undefined || redirects.length === 0) return false;
  const { hostname: base } = new URL(uri);
  return redirects.every((redirect) => {
    const { protocol, hostname } = new URL(redirect);
    return protocol === 'https:' && isHostOrSubdomain(hostname, base);
  });
}

/** What people are shown as the name of a client of this id; the id itself if there is none of it any more. */
export function clientNaming(deps: ClientLookupDeps): (clientId: ClientId) => Promise<string> {
  return async (clientId) => {
    const client = await loadClient(deps, clientId);
    return client === undefined ? clientId : clientName(client);
  };
}
