/** What a command did: a line on standard error at once, and a row in the database, as the log of the service belongs to another process. */
import { userInfo } from 'node:os';
import type { EmitEvent } from '../observability/events.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import type { Database } from '../storage/engine/database.ts';
import { insertAuditEntry } from '../storage/records/audit.ts';

export interface EventRecord {
  readonly emit: EmitEvent;
  /** Resolves once every event so far is on disk. Throws if one could not be written. */
  readonly written: () => Promise<void>;
}

/** The record of one command, run by `operator`. */
export function startRecord(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  operator: string,
): EventRecord {
  const writes: Promise<void>[] = [];
  return {
    emit: (event, details) => {
      console.error(lineOf(event, details));
      const now = deps.clock.now();
      const entry = {
        id: newRecordId(now, deps.random),
        happened_at: now,
        event,
        actor: 'operator',
        actor_name: operator,
        client_address: null,
        request_id: null,
        user_id: details.userId ?? null,
        session_id: details.sessionId ?? null,
        client_id: details.clientId ?? null,
        device_id: details.deviceId ?? null,
        provider: details.provider ?? null,
        reason: details.reason ?? null,
      };
      const write = deps.db.write((tx) => insertAuditEntry(tx, entry));
      // It is awaited at the end: until then nobody handles a failure.
      write.catch(() => undefined);
      writes.push(write);
    },
    written: async () => {
      await Promise.all(writes);
    },
  };
}

/** Who runs the command; by `sudo`, who ran that. */
export function operatorName(environment: Readonly<Record<string, string | undefined>>): string {
  const { SUDO_USER: sudoUser } = environment;
  if (sudoUser !== undefined && sudoUser !== '') return sudoUser;
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that has no name.
    return `uid ${String(process.getuid?.() ?? 'unknown')}`;
  }
}

function lineOf(event: string, details: object): string {
  const members = Object.entries(details).map(
    ([name, value]) => `${name}=${String(value).replace(/[^\x20-\x7e]/g, '\ufffd')}`,
  );
  return `gatehouse: event ${[event, ...members].join(' ')}`;
}
