/**
 * What a table owes to the people whose data it holds, and to time. Each record of records/ declares it beside its table; clean-up, signing out
 * everywhere, deactivation and erasure are derived from it, so that a new table is handled by all of them or does not compile (tables.ts).
 */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

export type TableName = keyof Schema;

/** How long each kind of row is kept beyond its end, in milliseconds. */
export interface Retention {
  /** Authorization requests, device grants, login tokens, requests that wait for a proof, and codes beyond their expiry; a code replayed within this time still ends its session. Default 1 hour. */
  readonly signInSteps: number;
  /** Pushed requests, client assertions, logout tokens and account sessions beyond their expiry, after which they are refused anyway. Default none. */
  readonly clientSteps: number;
  /** Sessions of clients alone beyond their start: longer than an access token can live. Default 25 hours. */
  readonly clientSessions: number;
  /** Ended sessions with all their tokens, for the account page and audits; sign-outs that a provider told of; upstream tokens that nobody has used since. Default 30 days. */
  readonly endedSessions: number;
  /** Dynamic clients beyond the last sign-in or registration, if they have no session, an ended one included, and no grant in progress. Default 24 hours. */
  readonly unusedClients: number;
  /** What operators did by command. Default 1 year. */
  readonly auditEntries: number;
}

/** Its rows belong to those of another table and go with them (a foreign key that cascades). */
export interface GoesWith {
  readonly follows: TableName;
}

/** Removes up to `limit` rows whose end lies before `before`. */
export type SweepStep = (tx: Kysely<Schema>, before: number, limit: number) => Promise<Progress>;

export interface Progress {
  readonly removed: number;
  /** There may be more to do. */
  readonly more: boolean;
}

export interface Sweep {
  readonly keep: keyof Retention;
  readonly step: SweepStep;
}

/** What happens to the rows of one person. */
export interface PersonDuties {
  /** Names the person. */
  readonly column: string;
  /**
   * Rows that could still become a session: they come to nothing when the person signs out everywhere, loses access, is locked or deactivated.
   * `delete` removes them, `finish` sets `open`; `open` is null while a row is pending, and left out if all are. Such a table has a column
   * `upstream_sid`, and one whose rows are deleted has the key `hash`. `none`: nothing here can become a session.
   */
  readonly pending:
    | 'none'
    | { readonly void: 'delete'; readonly open?: string }
    | { readonly void: 'finish'; readonly open: string };
  /** When the person is deactivated, beyond what is pending. */
  readonly deactivation: 'kept' | 'deleted';
  /** When the data of a deactivated person is erased: `cleared` columns become null. */
  readonly erasure: 'kept' | 'deleted' | { readonly cleared: readonly string[] };
}

export interface TableDuties {
  /** `nobody`: no row is about a person. */
  readonly person: PersonDuties | GoesWith | 'nobody';
  /** When time passes. `kept`: for good, or until whoever made it removes it. */
  readonly time: readonly Sweep[] | GoesWith | 'kept';
}

/** The sweep of a table whose rows are over once `column` has passed. `key` is its primary key. */
export function sweepPast(table: TableName, keep: keyof Retention, column: string, key: string): Sweep {
  return {
    keep,
    step: async (tx, before, limit) => {
      const due = sql`select ${sql.ref(key)} from ${sql.table(table)} where ${sql.ref(column)} < ${before} limit ${limit}`;
      const { numAffectedRows = 0n } =
        await sql`delete from ${sql.table(table)} where ${sql.ref(key)} in (${due})`.execute(tx);
      return progressOf(Number(numAffectedRows), limit);
    },
  };
}

/** There may be more if a whole step was removed. */
export function progressOf(removed: number, limit: number): Progress {
  return { removed, more: removed >= limit };
}
