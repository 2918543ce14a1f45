import type { EmitEvent } from '../observability/events.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { type ClientId, newRecordId } from '../protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import { insertClient } from '../storage/records/clients.ts';
import type { ClientMetadata } from './client-metadata.ts';
import type { OperatorSettings } from './clients.ts';
import { known, type KnownClient } from './known-clients.ts';

/** A client that an operator adds; id and secret are made if they are not given. */
export interface NewClient {
  readonly id?: ClientId;
  readonly secret?: string;
  readonly metadata: ClientMetadata;
  readonly operator?: OperatorSettings;
}

/** Adds a client that the operator vouches for, with metadata that was judged before. The secret, if its method needs one, is told this once: only its hash is kept. */
export async function addClient(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random; readonly emit: EmitEvent },
  client: NewClient,
): Promise<KnownClient & { readonly secret: string | undefined }> {
  const now = deps.clock.now();
  const { metadata, operator } = client;
  const hasSecret = metadata.token_endpoint_auth_method.startsWith('client_secret_');
  const secret = hasSecret ? (client.secret ?? issueSecret('clientSecret', deps.random)) : undefined;
  const id = client.id ?? newRecordId(now, deps.random);
  const record = await deps.db.write((tx) =>
    insertClient(tx, {
      id,
      metadata_json: JSON.stringify(metadata),
      metadata_hash: null,
      secret_hash: secret === undefined ? null : hashSecret(secret),
      origin: 'operator',
      operator_json: operator === undefined ? null : JSON.stringify(operator),
      created_at: now,
      last_used_at: now,
    }),
  );
  deps.emit('client_registered', { clientId: id });
  return { ...known(record), secret };
}
