/** What becomes of a person's rows, over all tables: derived from what each table declares (table-duties.ts). */
import type { InternalUserId } from '../protocol/identifiers.ts';
import { type Kysely, sql } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';
import type { Schema } from './schema.ts';
import type { PersonDuties, TableName } from './table-duties.ts';
import { tables } from './tables.ts';

/** Tables with rows of a person; those in which rows are finished come first. */
const personal: readonly (PersonDuties & { readonly table: TableName })[] = Object.entries(tables)
  .flatMap(([table, { person }]) =>
    person === 'nobody' || 'follows' in person ? [] : [{ table: table as TableName, ...person }],
  )
  .sort((a, b) => rank(a) - rank(b));

function rank({ pending }: PersonDuties): number {
  return pending !== 'none' && pending.void === 'finish' ? 0 : 1;
}

export interface Voiding {
  readonly userId: InternalUserId;
  readonly at: number;
  /** Only what came of this session at the provider, or of one that is not known. */
  readonly sid?: string | undefined;
  /** The cookie session that asks stays. */
  readonly except?: SecretHash | undefined;
}

/**
 * Whatever of a person could still become a session comes to nothing: codes, login tokens and device grants that were not redeemed, sign-ins that
 * know who it is, the account page. Sign-ins come first: what an answer that is given at this moment makes of its sign-in is there to be
 * deleted, or was never made.
 */
export async function voidPending(tx: Kysely<Schema>, { userId, at, sid, except }: Voiding): Promise<void> {
  const ofSession = sid === undefined ? sql`` : sql` and (upstream_sid = ${sid} or upstream_sid is null)`;
  for (const { table, column, pending } of personal) {
    if (pending === 'none') continue;
    const isOpen = pending.open === undefined ? sql`` : sql` and ${sql.ref(pending.open)} is null`;
    const whose = sql`${sql.ref(column)} = ${userId}${ofSession}${isOpen}`;
    if (pending.void === 'finish') {
      await sql`update ${sql.table(table)} set ${sql.ref(pending.open)} = ${at} where ${whose}`.execute(tx);
    } else {
      const others = except === undefined ? sql`` : sql` and hash <> ${except}`;
      await sql`delete from ${sql.table(table)} where ${whose}${others}`.execute(tx);
    }
  }
}

/** Whose pending rows came of this session at a provider: before there is a session here, nothing else tells who it is. */
export async function findPeopleOfSid(db: Kysely<Schema>, sid: string): Promise<string[]> {
  const ids = new Set<string>();
  for (const { table, column, pending } of personal) {
    if (pending === 'none') continue;
    const { rows } = await sql<{ id: string | null }>`
      select distinct ${sql.ref(column)} as id from ${sql.table(table)} where upstream_sid = ${sid}`.execute(
      db,
    );
    for (const { id } of rows) if (id !== null) ids.add(id);
  }
  return [...ids].sort();
}

/** Removes what nobody needs of a person who was deactivated. */
export async function removeAfterDeactivation(tx: Kysely<Schema>, userId: InternalUserId): Promise<void> {
  for (const { table, column, deactivation } of personal) {
    if (deactivation === 'deleted') await deleteOf(tx, table, column, userId);
  }
}

/** Erases what is known of a person, for good; who they were signed in as, and when, stays without names. Only for who is deactivated. */
export async function erasePerson(tx: Kysely<Schema>, userId: InternalUserId): Promise<void> {
  for (const { table, column, erasure } of personal) {
    if (erasure === 'kept') continue;
    if (erasure === 'deleted') await deleteOf(tx, table, column, userId);
    else {
      const cleared = sql.join(erasure.cleared.map((name) => sql`${sql.ref(name)} = null`));
      await sql`update ${sql.table(table)} set ${cleared} where ${sql.ref(column)} = ${userId}`.execute(tx);
    }
  }
}

/** Columns that are not personal data: hashes of secrets, what is encrypted, and what a client sends to check an answer by. */
const WITHHELD = /(^|_)hash$|_sealed$|^nonce$|^code_challenge$/;

/**
 * All that is stored about a person, by table: the rows that name them, without secrets. Times are ISO 8601. Tokens belong to sessions and have no data of
 * their own.
 */
export async function exportPerson(
  db: Kysely<Schema>,
  userId: InternalUserId,
): Promise<Partial<Record<TableName, Readonly<Record<string, unknown>>[]>>> {
  const exported: Partial<Record<TableName, Readonly<Record<string, unknown>>[]>> = {};
  for (const table of Object.keys(tables) as TableName[]) {
    const column = personal.find((one) => one.table === table)?.column;
    if (column === undefined) continue;
    const { rows } = await sql<Readonly<Record<string, unknown>>>`
      select * from ${sql.table(table)} where ${sql.ref(column)} = ${userId}`.execute(db);
    exported[table] = rows.map(readable);
  }
  return exported;
}

function readable(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !WITHHELD.test(name))
      .map(([name, value]) => {
        if (name.endsWith('_json') && typeof value === 'string')
          return [name.slice(0, -'_json'.length), JSON.parse(value) as unknown];
        const isTime = (name.endsWith('_at') || name.endsWith('_until')) && typeof value === 'number';
        return [name, isTime ? new Date(value).toISOString() : value];
      }),
  );
}

async function deleteOf(
  tx: Kysely<Schema>,
  table: TableName,
  column: string,
  userId: InternalUserId,
): Promise<void> {
  await sql`delete from ${sql.table(table)} where ${sql.ref(column)} = ${userId}`.execute(tx);
}
