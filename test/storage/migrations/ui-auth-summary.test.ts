import { sql, type Transaction } from 'kysely';
import { expect, test } from 'vitest';
import type { SchemaRecord } from '../../../src/storage/engine/migrate.ts';
import { uiAuthSummary } from '../../../src/storage/migrations/006-ui-auth-summary.ts';
import { forEachEngine } from '../../support/database.ts';

forEachEngine((engine) => {
  test('requests that wait for their person become data, with the same devices', async () => {
    const db = await engine.open();
    const given: [string, object][] = [
      ['1', { act: 'sign out this device', things: ['Laptop (ABC)'], more: 0 }],
      ['2', { act: 'sign out these devices', things: ['ABC', 'Phone (old) (DEF)'], more: 3 }],
      ['3', { act: 'sign out devices that are gone already', things: [], more: 0 }],
      ['4', { act: 'sign out this device', things: ['(GHI)'], more: 0 }],
      ['5', { act: 'sign out this device', things: ['two\nlines (JKL)'], more: 0 }],
      ['6', { act: 'sign out this device', things: [' (MNO)'], more: 0 }],
    ];
    const found = await db.write(async (tx) => {
      await sql`drop table ui_auth_requests`.execute(tx);
      await sql`drop table ui_auth_sessions`.execute(tx);
      await sql`create table ui_auth_sessions (hash text primary key, summary text not null)`.execute(tx);
      for (const [hash, summary] of given)
        await sql`insert into ui_auth_sessions values (${hash}, ${JSON.stringify(summary)})`.execute(tx);
      await uiAuthSummary.up({
        tx: tx as unknown as Transaction<SchemaRecord>,
        engine: engine.name,
        time: 'bigint',
        table: () => Promise.resolve(),
      });
      const rows = sql<{ summary_json: string }>`select summary_json from ui_auth_sessions order by hash`;
      return (await rows.execute(tx)).rows.map(({ summary_json: text }) => JSON.parse(text) as unknown);
    });
    const kind = 'sign_out_devices';
    expect(found).toEqual([
      { kind, devices: [{ id: 'ABC', name: 'Laptop' }], more: 0 },
      {
        kind,
        devices: [
          { id: 'ABC', name: null },
          { id: 'DEF', name: 'Phone (old)' },
        ],
        more: 3,
      },
      { kind, devices: [], more: 0 },
      { kind, devices: [{ id: '(GHI)', name: null }], more: 0 },
      { kind, devices: [{ id: 'JKL', name: 'two\nlines' }], more: 0 },
      { kind, devices: [{ id: 'MNO', name: '' }], more: 0 },
    ]);
  });
});
