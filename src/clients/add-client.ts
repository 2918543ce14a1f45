import type { EmitEvent } from '../observability/events.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import { insertClient } from '../storage/records/clients.ts';
import type { ClientMetadata } from './client-metadata.ts';
import { known, type KnownClient } from './known-clients.ts';

/** Adds a client that the operator vouches for, with metadata that was judged before. The secret, if its method needs one, is told this once: only its hash is kept. */
export async function addClient(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random; readonly emit: EmitEvent },
  metadata: ClientMetadata,
): Promise<KnownClient & { readonly secret: string | undefined }> {
  const now = deps.clock.now();
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  const secret = isPublic ? undefined : issueSecret('clientSecret', deps.random);
  const id = newRecordId(now, deps.random);
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
  deps.emit('client_registered', { clientId: id });
  return { ...known(record), secret };
}
