/** What waits for its person is stored as data, which a page puts into the language of whoever reads it. */
import { sql } from 'kysely';
import type { Migration } from '../engine/migrate.ts';

/** As earlier builds stored it: each thing is the id of a device, or its name with the id in parentheses. */
interface Words {
  readonly things: readonly string[];
  readonly more: number;
}

export const uiAuthSummary: Migration = {
  version: 6,
  name: 'ui-auth-summary',
  oldestLevel: 6,
  async up({ tx }) {
    await tx.schema.alterTable('ui_auth_sessions').renameColumn('summary', 'summary_json').execute();
    const { rows } = await sql<{ hash: string; text: string }>`
      select hash, summary_json as text from ui_auth_sessions`.execute(tx);
    for (const { hash, text } of rows) {
      const { things, more } = JSON.parse(text) as Words;
      const summary = JSON.stringify({ kind: 'sign_out_devices', devices: things.map(deviceOf), more });
      await sql`update ui_auth_sessions set summary_json = ${summary} where hash = ${hash}`.execute(tx);
    }
  },
};

function deviceOf(thing: string): { id: string; name: string | null } {
  const [, name, id] = /^(.*) \((.*?)\)$/s.exec(thing) ?? [];
  return name === undefined || id === undefined ? { id: thing, name: null } : { id, name };
}
