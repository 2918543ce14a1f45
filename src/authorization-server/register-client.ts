import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { components } from '../generated/authorization-server.ts';
import { limitedBy, noStore } from '../http/exchange.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { type ClientRecord, findClientByMetadata, insertClient } from '../storage/records/clients.ts';
import { type ClientMetadata, normaliseClientMetadata } from '../clients/client-metadata.ts';
import type { Schema } from '../storage/schema.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { createRoom } from './room-for-clients.ts';
import { requireAllowedHost, requireOpenRegistration } from './registration-policy.ts';

type Answer = components['schemas']['RegisteredClient'];

/**
 * Dynamic client registration (RFC 7591, MSC2966). Public clients with the same metadata get the same client_id, since clients register
 * anew at every login; confidential ones always get one of their own. Nobody is logged out by a table that is full.
 */
export function registerClient(
  deps: Pick<AuthorizationServerDeps, 'db' | 'clock' | 'random' | 'registration' | 'emit'>,
): OperationHandler<operations, 'registerClient'> {
  const makeRoom = createRoom(deps);
  return limitedBy(deps.registration.limit, async (request) => {
    requireOpenRegistration(deps.registration);
    const metadata = normaliseClientMetadata(request.body, deps.registration);
    requireAllowedHost(deps.registration, metadata);
    const isPublic = metadata.token_endpoint_auth_method === 'none';
    const secret = isPublic ? undefined : issueSecret('clientSecret', deps.random);
    const client = await keepClient(deps, {
      metadata,
      secret,
      makeRoom: (tx) => makeRoom(tx, request.clientAddress),
    });
    request.annotate({ clientId: client.id });
    return {
      status: 201,
      headers: noStore,
      body: {
        ...(JSON.parse(client.metadata_json) as ClientMetadata & Answer),
        client_id: client.id,
        client_id_issued_at: Math.floor(client.created_at / 1000),
        ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
      },
    };
  });
}

async function keepClient(
  deps: Pick<AuthorizationServerDeps, 'db' | 'clock' | 'random' | 'registration' | 'emit'>,
  asked: {
    readonly metadata: ClientMetadata;
    readonly secret: string | undefined;
    readonly makeRoom: (tx: Kysely<Schema>) => Promise<void>;
  },
): Promise<ClientRecord> {
  const { metadata, secret, makeRoom } = asked;
  const now = deps.clock.now();
  const id = newRecordId(now, deps.random);
  const hash = secret === undefined ? metadataHash(metadata) : null;
  const client = await deps.db.write(async (tx) => {
    const isKnown = hash !== null && (await findClientByMetadata(tx, hash)) !== undefined;
    if (!isKnown) await makeRoom(tx);
    return insertClient(tx, {
      id,
      metadata_json: JSON.stringify(metadata),
      metadata_hash: hash,
      secret_hash: secret === undefined ? null : hashSecret(secret),
      created_at: now,
      last_used_at: now,
    });
  });
  if (client.id === id) deps.emit('client_registered', { clientId: id });
  return client;
}

/** Equal for equal metadata, whatever the order of members, of redirect URIs, or what else the client sent. */
function metadataHash(metadata: ClientMetadata): string {
  const canonical = Object.entries(metadata)
    .map(([name, value]) => [name, Array.isArray(value) ? [...(value as string[])].sort() : value])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(canonical)).digest('base64url');
}
