/** Text that means something to SQL, to LIKE or to a template is text, wherever it comes in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import { listUsers } from '../../src/storage/records/people.ts';
import { tables } from '../../src/storage/tables.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { askMatrix, type LegacySession, startLegacy } from '../support/legacy-session.ts';
import {
  type Answer,
  ask,
  postForm,
  postJson,
  registerTestClient,
  type TestClient,
} from '../support/oauth-client.ts';

const texts = [
  `'; DROP TABLE users; --`,
  `' OR '1'='1`,
  `" OR ""="`,
  `x' UNION SELECT hash FROM access_tokens --`,
  `\\'; DELETE FROM sessions; --`,
  `$1 ? :name @p1 $$`,
  `%`,
  `_`,
  `!%_`,
  `{{7*7}} \${7*7} <%= 7*7 %>`,
];

forEachEngine((engine) => {
  describe('text with a meaning elsewhere', () => {
    let gatehouse: Gatehouse;
    let db: Database;
    let client: TestClient;
    let session: LegacySession;
    beforeAll(async () => {
      const env = await databaseOf(engine);
      gatehouse = await startGatehouse({ env });
      db = await engine.open({ url: String(env['GATEHOUSE__DATABASE__URL']) });
      client = await registerTestClient(gatehouse);
      session = await startLegacy(db, { localpart: 'mallory' });
      for (const localpart of ['percent%', 'under_score', 'bang!']) await startLegacy(db, { localpart });
    });
    afterAll(() => gatehouse[Symbol.asyncDispose]());

    /** How many rows each table has, but for proofs of identity that were asked for. */
    const rows = async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const table of Object.keys(tables) as (keyof typeof tables)[]) {
        if (table === 'ui_auth_sessions') continue;
        const count = db.query.selectFrom(table).select(({ fn }) => fn.countAll<number>().as('count'));
        counts[table] = (await count.executeTakeFirstOrThrow()).count;
      }
      return counts;
    };

    it.each(texts)('%s changes nothing and finds nothing that it does not name', async (text) => {
      const { accessToken: token } = session;
      const form = (path: string, fields: Record<string, string>): Promise<Answer> =>
        postForm(gatehouse.url + path, { client_id: client.clientId, ...fields });
      const before = await rows();
      const nothing = await Promise.all([
        form('oauth2/token', { grant_type: 'refresh_token', refresh_token: text }),
        form('oauth2/token', {
          grant_type: 'authorization_code',
          code: text,
          redirect_uri: client.redirectUri,
          code_verifier: text,
        }),
        form('oauth2/token', { grant_type: text }),
        form('oauth2/token', { client_id: text, grant_type: 'refresh_token', refresh_token: 'x' }),
        form('oauth2/revoke', { token: text, token_type_hint: text }),
        form('oauth2/device_authorization', { scope: text }),
        ask(client.authorizeUrl({ client_id: text })),
        ask(client.authorizeUrl({ redirect_uri: text })),
        ask(`${gatehouse.url}device?user_code=${encodeURIComponent(text)}`),
        askMatrix(gatehouse, 'GET v3/account/whoami', { token: encodeURIComponent(text) }),
        askMatrix(gatehouse, `GET v3/devices/${encodeURIComponent(text)}`, { token }),
        askMatrix(gatehouse, `DELETE v3/devices/${encodeURIComponent(text)}`, { token, json: {} }),
        askMatrix(gatehouse, 'POST v3/refresh', { json: { refresh_token: text } }),
        askMatrix(gatehouse, 'POST v3/login', { json: { type: 'm.login.token', token: text } }),
      ]);
      expect(nothing.filter(({ status }) => status >= 500)).toEqual([]);
      expect(await gatehouse.introspect(text)).toEqual({ active: false });
      expect(await rows()).toEqual(before);
    });

    it.each(texts)('%s comes back as it was kept', async (text) => {
      const { accessToken: token, deviceId } = session;
      const path = `v3/devices/${deviceId}`;
      expect(
        (await askMatrix(gatehouse, `PUT ${path}`, { token, json: { display_name: text } })).status,
      ).toBe(200);
      expect((await askMatrix(gatehouse, `GET ${path}`, { token })).body['display_name']).toBe(text);
      const registered = await postJson(`${gatehouse.url}oauth2/registration`, {
        client_uri: 'https://client.example.com/',
        redirect_uris: [client.redirectUri],
        client_name: text,
        token_endpoint_auth_method: 'none',
      });
      if (registered.status === 201) expect(registered.body['client_name']).toBe(text);
      else expect(registered.body['error']).toBe('invalid_client_metadata');
      const state = await client.authorize({ parameters: { state: text, nonce: text } });
      expect(state.get('state')).toBe(text);
    });

    it.each([
      ['%', ['percent%']],
      ['_', ['under_score']],
      ['!', ['bang!']],
      ['t%', ['percent%']],
      ['%t', []],
      [`' OR '1'='1`, []],
      ['ang', ['bang!']],
    ])('a list of users that contain %s has those alone', async (containing, found) => {
      const users = await listUsers(db.query, { limit: 100, containing });
      expect(users.map(({ localpart }) => localpart).sort()).toEqual(found);
    });
  });
});
