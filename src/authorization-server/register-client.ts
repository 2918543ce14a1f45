import { createHash } from 'node:crypto';
import type { components } from '../generated/authorization-server.ts';
import { addressKey } from '../http/client-ip.ts';
import { type Handler, noStore } from '../http/exchange.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { insertClient } from '../storage/clients.ts';
import { type ClientMetadata, normaliseClientMetadata } from './client-metadata.ts';
import type { AuthorizationServerDeps } from './deps.ts';

type Input = components['schemas']['ClientMetadata'];
type Answer = components['schemas']['RegisteredClient'];

/**
 * Dynamic client registration (RFC 7591, MSC2966). Public clients with the same metadata get the same client_id, since clients register
 * anew at every login; confidential ones always get one of their own.
 */
export function registerClient(
  deps: Pick<AuthorizationServerDeps, 'db' | 'clock' | 'random'>,
  limit: RateLimiter,
): Handler<Input, Answer> {
  return async (request) => {
    limit.take(addressKey(request.clientAddress));
    const metadata = normaliseClientMetadata(request.body);
    const isPublic = metadata.token_endpoint_auth_method === 'none';
    const secret = isPublic ? undefined : issueSecret('clientSecret', deps.random);
    const now = deps.clock.now();
    const client = await deps.db.write((tx) =>
      insertClient(tx, {
        id: newRecordId(now, deps.random),
        metadata_json: JSON.stringify(metadata),
        metadata_hash: isPublic ? metadataHash(metadata) : null,
        secret_hash: secret === undefined ? null : hashSecret(secret),
        created_at: now,
        last_used_at: now,
      }),
    );
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
  };
}

/** Equal for equal metadata, whatever the order of members, of redirect URIs, or what else the client sent. */
function metadataHash(metadata: ClientMetadata): string {
  const canonical = Object.entries(metadata)
    .map(([name, value]) => [name, Array.isArray(value) ? [...(value as string[])].sort() : value])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(canonical)).digest('base64url');
}
