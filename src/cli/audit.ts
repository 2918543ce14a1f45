/** `gatehouse audit`: what operators did by command. */
import { type AuditEntry, listAuditEntries } from '../storage/records/audit.ts';
import type { ConfigOption } from './config-option.ts';
import { isoTime, type OperatorDeps, printJson, runOperation } from './operator.ts';
import { formatTable, shortTime } from './table.ts';

/** Entries that are listed if it is not said how many. */
const LISTED = 100;

/** `audit`. */
export function listAuditCommand(
  options: ConfigOption & { readonly json?: true; readonly limit?: string },
): Promise<void> {
  return runOperation(options, (deps) => list(deps, options));
}

async function list(deps: OperatorDeps, options: { json?: true; limit?: string }): Promise<void> {
  const limit = Math.min(Math.max(1, Number.parseInt(options.limit ?? '', 10) || LISTED), 10_000);
  const entries = await listAuditEntries(deps.db.query, { limit });
  if (options.json) {
    printJson(entries.map((entry) => ({ ...entry, happened_at: isoTime(entry.happened_at) })));
    return;
  }
  const rows = entries.map((entry) => [
    shortTime(entry.happened_at),
    entry.actor_name === null ? entry.actor : `${entry.actor} ${entry.actor_name}`,
    entry.event,
    aboutOf(entry),
  ]);
  console.log(formatTable(['TIME', 'ACTOR', 'EVENT', 'ABOUT'], rows, 'No changes were made by command yet.'));
}

function aboutOf(entry: AuditEntry): string {
  const { user_id, session_id, client_id, device_id, reason } = entry;
  return Object.entries({ user_id, session_id, client_id, device_id, reason })
    .flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]))
    .join(' ');
}
