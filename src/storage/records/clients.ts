/** Registered OAuth clients. */
import type { ClientId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable, Generated } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import { hotRow } from '../engine/hot-query.ts';
import type { Schema, JsonText } from '../schema.ts';
import { type SweepStep, type TableDuties, progressOf, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    clients: ClientsTable;
    client_assertions: ClientAssertionsTable;
  }
}

/** A registered OAuth client. Static clients are not here: they stand in the configuration. */
export interface ClientsTable {
  id: ClientId;
  /** What was kept of its metadata, normalised. */
  metadata_json: JsonText<Record<string, unknown>>;
  /** Hash over `metadata_json` for public dynamic clients, which are de-duplicated by it; null for others. */
  metadata_hash: string | null;
  secret_hash: SecretHash | null;
  /** Who made it: itself by registration, or the operator. Default `dynamic`. */
  origin: Generated<'dynamic' | 'operator'>;
  /** What the operator gave it. Default null: nothing. */
  operator_json: Generated<JsonText<Record<string, unknown>> | null>;
  created_at: number;
  last_used_at: number;
}

/** Client assertions (RFC 7523) that were used: none counts twice. */
export interface ClientAssertionsTable {
  /** Of client id and `jti`. */
  hash: SecretHash;
  expires_at: number;
}

/**
 * Removes up to `limit` of those that registered themselves, last did anything before `before`, and have no session, an ended one included, and no grant in
 * progress; the oldest first. What the operator made stays.
 */
export const removeUnusedClients: SweepStep = async (tx, before, limit) => {
  const due = tx
    .selectFrom('clients')
    .select('id')
    .where('last_used_at', '<', before)
    .where('origin', '=', 'dynamic')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb.selectFrom('sessions').select('sessions.id').whereRef('sessions.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('authorization_requests')
            .select('authorization_requests.sign_in_id')
            .whereRef('authorization_requests.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('authorization_codes')
            .select('authorization_codes.hash')
            .whereRef('authorization_codes.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('device_grants')
            .select('device_grants.hash')
            .whereRef('device_grants.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .orderBy('last_used_at')
    .limit(limit);
  const { numDeletedRows } = await tx.deleteFrom('clients').where('id', 'in', due).executeTakeFirst();
  return progressOf(Number(numDeletedRows), limit);
};

export const clientsDuties: TableDuties = {
  person: 'nobody',
  time: [{ keep: 'unusedClients', step: removeUnusedClients }],
};

export const clientAssertionsDuties: TableDuties = {
  person: 'nobody',
  time: [sweepPast('client_assertions', 'clientSteps', 'expires_at', 'hash')],
};

export type ClientRecord = Selectable<ClientsTable>;

const CLIENT_COLUMNS = [
  'id',
  'metadata_json',
  'metadata_hash',
  'secret_hash',
  'origin',
  'created_at',
  'last_used_at',
  'operator_json',
] as const satisfies (keyof ClientRecord)[];

export const findClient = hotRow(
  (db, id: ClientId) => db.selectFrom('clients').select(CLIENT_COLUMNS).where('id', '=', id),
  (v) => ({
    id: v[0],
    metadata_json: v[1],
    metadata_hash: v[2],
    secret_hash: v[3],
    origin: v[4],
    created_at: v[5],
    last_used_at: v[6],
    operator_json: v[7],
  }),
);

/**
 * Inserts a client, or finds the public one that was registered with the same metadata before (RFC 7591 leaves it open; the Matrix
 * specification notes it, since clients register anew at each login).
 */
export async function insertClient(
  db: Kysely<Schema>,
  client: Insertable<ClientsTable>,
): Promise<ClientRecord> {
  const inserted = await db
    .insertInto('clients')
    .values(client)
    .onConflict((conflict) =>
      conflict
        .column('metadata_hash')
        .doUpdateSet((row) => ({ last_used_at: row.ref('excluded.last_used_at') })),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return inserted;
}

/** The public client that was registered with the same metadata before. */
export function findClientByMetadata(
  db: Kysely<Schema>,
  metadataHash: string,
): Promise<ClientRecord | undefined> {
  return db.selectFrom('clients').selectAll().where('metadata_hash', '=', metadataHash).executeTakeFirst();
}

/** Whether there are at least `count` clients. */
export async function hasClients(db: Kysely<Schema>, count: number): Promise<boolean> {
  const row = await db
    .selectFrom('clients')
    .select('id')
    .orderBy('id')
    .offset(count - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** How far apart two notes of a client's use are at least, in milliseconds: less than any time after which a client counts as unused. */
const TOUCH_INTERVAL = 5 * 60_000;

/** Notes that a client was used, so that clean-up leaves it. Static clients have no row: nothing happens. */
export async function touchClient(db: Kysely<Schema>, client: { id: ClientId; at: number }): Promise<void> {
  await db
    .updateTable('clients')
    .set({ last_used_at: client.at })
    .where('id', '=', client.id)
    .where('last_used_at', '<', client.at - TOUCH_INTERVAL)
    .execute();
}

/** Takes note of a client assertion: false if it was used before. */
export async function recordClientAssertion(
  db: Kysely<Schema>,
  assertion: { hash: SecretHash; expiresAt: number },
): Promise<boolean> {
  const row = await db
    .insertInto('client_assertions')
    .values({ hash: assertion.hash, expires_at: assertion.expiresAt })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}
