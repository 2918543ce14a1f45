/** Every event that is declared is emitted by something that really happens, and every way in which a session ends is told. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeClient } from '../../src/clients/remove-client.ts';
import { layFoundation } from '../../src/composition/foundation.ts';
import { parseConfig } from '../../src/config/load.ts';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { type EventName, eventNames } from '../../src/observability/events.ts';
import { createLog } from '../../src/observability/log.ts';
import { eraseDeactivated, reactivatePerson } from '../../src/people/erase.ts';
import { allowKeyReset } from '../../src/people/key-reset.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import { type Clock, systemClock, systemRandom } from '../../src/protocol/clock.ts';
import type { SessionEndingDeps } from '../../src/sessions/end.ts';
import { endSessions } from '../../src/sessions/end-many.ts';
import { endExpiredSessions } from '../../src/sessions/expiry.ts';
import { rotateSigningKeys } from '../../src/signing-keys/signing-keys.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import type { SessionEndReason } from '../../src/storage/records/sessions.ts';
import { createSealer } from '../../src/storage/sealed.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import { ask, postForm, postJson, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { sendJson, startScriptedServer } from '../upstream/support/scripted-server.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

type Line = Readonly<Record<string, unknown>>;

forEachEngine((engine) => {
  const told: Line[] = [];
  const log = createLog({
    level: 'info',
    destination: {
      write: (line) => {
        const members = JSON.parse(line) as Line;
        if (members['event'] !== undefined) told.push(members);
      },
    },
  });
  let offset = 0;
  const clock: Clock = {
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
  };
  let gatehouse: Gatehouse;
  let db: Database;
  let client: TestClient;
  let operator: SessionEndingDeps;
  beforeAll(async () => {
    const url = await engine.newUrl();
    gatehouse = await startGatehouse({
      idp: { tellsSessions: true },
      clock,
      log,
      env: {
        GATEHOUSE__DATABASE__URL: url,
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        GATEHOUSE__PROVIDERS__0__ACCESS: '{ deny: [{ claim: groups, any_of: [suspended] }] }',
      },
    });
    gatehouse.idp.setBackchannelLogoutUri(`${gatehouse.url}upstream/main/backchannel-logout`);
    db = await engine.open({ url });
    client = await registerTestClient(gatehouse);
    operator = {
      db,
      clock,
      random: systemRandom,
      homeserver: noHomeserver,
      log: { warn: () => undefined },
      emit: (event, { userId, sessionId, reason }) =>
        void told.push({ event, user_id: userId, session_id: sessionId, reason }),
    };
  });
  afterAll(async () => {
    await db.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  let people = 0;
  /** Somebody whom nobody has seen before. */
  const somebody = (): string => {
    const login = `person${String(++people)}`;
    gatehouse.idp.accounts.set(login, { sub: `sub-${login}`, preferred_username: login });
    return login;
  };
  const signedIn = async () => {
    const login = somebody();
    const tokens = await client.tokens({ login });
    const user = await findUserByLocalpart(db.query, login);
    return { login, tokens, userId: user?.id ?? '' };
  };
  const code = async (login: string): Promise<string> =>
    (await client.authorize({ login })).get('code') ?? '';
  const matrix = (path: string, token: string): Promise<{ status: number }> =>
    ask(`${gatehouse.url}_matrix/client/v3/${path}`, {
      method: 'POST',
      body: '{}',
      headers: { authorization: `Bearer ${token}` },
    });

  const ways: Record<SessionEndReason, () => Promise<unknown>> = {
    revoked: async () => {
      const { tokens } = await signedIn();
      return postForm(`${gatehouse.url}oauth2/revoke`, { token: tokens.access_token });
    },
    logged_out: async () => matrix('logout/all', (await signedIn()).tokens.access_token),
    replaced: async () => {
      const { login } = await signedIn();
      return client.tokens({ login });
    },
    code_replayed: async () => {
      const once = await code(somebody());
      await client.redeem(once);
      return client.redeem(once);
    },
    refresh_replayed: async () => {
      const { tokens } = await signedIn();
      const next = await client.refresh(tokens.refresh_token);
      await client.refresh(String(next.body['refresh_token']));
      offset += MINUTE;
      return client.refresh(tokens.refresh_token);
    },
    ended_by_user: async () => {
      const { login } = await signedIn();
      const browser = createBrowser();
      await browser.open(`${gatehouse.url}account/sessions/end-all`);
      await browser.submit({ button: 'Sign in', fields: { login } });
      return browser.submit({ button: 'Sign out everywhere' });
    },
    ended_by_admin: async () => {
      const { userId } = await signedIn();
      return endSessions(operator, { of: { userId }, reason: 'ended_by_admin' });
    },
    upstream_logout: async () => {
      let sid = '';
      gatehouse.idp.faults.tokenResponse = (body) => {
        sid = String(decodeJwt(String(body['id_token']))['sid']);
        return body;
      };
      const { login } = await signedIn();
      gatehouse.idp.faults.tokenResponse = undefined;
      return gatehouse.idp.sendBackchannelLogout(login, sid);
    },
    access_rules: async () => {
      const { login } = await signedIn();
      const account = gatehouse.idp.accounts.get(login);
      if (account !== undefined) gatehouse.idp.accounts.set(login, { ...account, groups: ['suspended'] });
      const browser = createBrowser();
      await browser.open(client.authorizeUrl());
      return browser.submit({ button: 'Sign in', fields: { login } });
    },
    deactivated: async () => deactivatePerson(operator, (await signedIn()).userId),
    expired: async () => {
      await signedIn();
      const later: Clock = { ...clock, now: () => clock.now() + 31 * DAY };
      return endExpiredSessions({ ...operator, clock: later, policy: { absoluteExpiry: 30 * DAY } });
    },
  };

  const happenings: Record<EventName, () => Promise<unknown>> = {
    user_created: signedIn,
    user_linked: signedIn,
    user_locked: async () => lockPerson(operator, (await signedIn()).userId),
    user_unlocked: async () => {
      const { userId } = await signedIn();
      await lockPerson(operator, userId);
      return unlockPerson(operator, userId);
    },
    user_deactivated: ways.deactivated,
    user_reactivated: async () => {
      const { userId } = await signedIn();
      await deactivatePerson(operator, userId);
      return reactivatePerson(operator, userId);
    },
    user_erased: async () => {
      const { userId } = await signedIn();
      await deactivatePerson(operator, userId);
      return eraseDeactivated(operator, userId);
    },
    key_reset_allowed: async () =>
      allowKeyReset(
        { ...operator, homeserver: noHomeserver },
        { id: (await signedIn()).userId, localpart: 'a' },
      ),
    login_refused: () =>
      postJson(`${gatehouse.url}_matrix/client/v3/login`, { type: 'm.login.token', token: 'none' }),
    access_lost: ways.access_rules,
    upstream_logout: ways.upstream_logout,
    consent_given: signedIn,
    consent_refused: async () => {
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      await browser.open(client.authorizeUrl());
      await browser.submit({ button: 'Sign in', fields: { login: somebody() } });
      return browser.submit({ button: 'Cancel' });
    },
    client_registered: () => registerTestClient(gatehouse, { client_name: `New ${String(people)}` }),
    client_removed: async () => {
      const { clientId } = await registerTestClient(gatehouse, { client_name: 'Gone soon' });
      return removeClient(operator, clientId);
    },
    signing_key_made: () =>
      rotateSigningKeys({ ...operator, sealer: createSealer(randomBytes(32), systemRandom) }),
    session_started: signedIn,
    session_replaced: ways.replaced,
    session_ended: ways.revoked,
    code_reused: ways.code_replayed,
    refresh_token_reused: ways.refresh_replayed,
    client_authentication_failed: async () => {
      await ask(`${gatehouse.url}oauth2/introspect`, {
        method: 'POST',
        headers: { authorization: 'Bearer wrong' },
        body: new URLSearchParams({ token: 'x' }),
      });
    },
    user_codes_guessed: async () => {
      for (let guess = 0; guess < 100; guess++) {
        if (guess % 20 === 0) offset += 16 * MINUTE;
        const form = await fetch(`${gatehouse.url}device`);
        const cookie = form.headers.getSetCookie()[0]?.split(';')[0] ?? '';
        const csrf = /name="csrf"\s+value="([^"]+)"/.exec(await form.text())?.[1] ?? '';
        await postForm(
          `${gatehouse.url}device`,
          { csrf, user_code: 'WDJB-MJHT' },
          { cookie, accept: 'text/html' },
        );
      }
    },
    upstream_document_changed: () => changeOfDocument({ claims_supported: ['sub', 'name'] }),
    upstream_document_refused: () => changeOfDocument({ issuer: 'https://somebody.else.example/' }),
  };

  /** A provider whose metadata changes between two looks. */
  async function changeOfDocument(change: Record<string, unknown>): Promise<void> {
    await using opened = new AsyncDisposableStack();
    const server = opened.use(await startScriptedServer());
    const metadata = {
      issuer: server.url,
      authorization_endpoint: `${server.url}/authorize`,
      token_endpoint: `${server.url}/token`,
      jwks_uri: `${server.url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
    let served: Record<string, unknown> = metadata;
    server.answer((request, response) => {
      sendJson(response, request.path === '/jwks' ? { keys: [] } : served);
    });
    const config = parseConfig(
      {
        server_name: 'example.org',
        public_url: 'http://127.0.0.1:9/',
        database: { url: await engine.newUrl() },
        encryption_key: randomBytes(32).toString('base64'),
        providers: [{ id: 'main', issuer: server.url, client_id: 'gatehouse', client_secret: 'secret' }],
      },
      { baseDir: mkdtempSync(join(tmpdir(), 'gatehouse-events-')) },
    );
    const { providers } = await layFoundation({ config, clock, random: systemRandom, log }, opened);
    await providers[0]?.refresh();
    served = { ...metadata, ...change };
    await providers[0]?.refresh();
  }

  /** Ids, closed lists of words, and exact reasons: who somebody is, and what opens a door, are in none of them. */
  const idsAndWords = new Set([
    ...['level', 'time', 'message', 'event', 'user_id', 'session_id', 'client_id', 'device_id', 'provider'],
    ...['document', 'key', 'reason', 'actor', 'actor_name', 'client_address', 'request_id'],
  ]);
  /** A token or code of ours, a JWT, a secret of the tests, or the name of one of their people. */
  const secretOrPerson =
    /"g[a-z]{2}_|\bg[a-z]{2}_[\w-]{20,}|eyJ[\w-]+\.|shared-with|WDJB|person\d|@\w+:example\.org|Test client/;

  describe('an event', () => {
    test.each(eventNames)('%s is emitted', { timeout: 60_000 }, async (event) => {
      told.length = 0;
      offset = 0;
      await happenings[event]();
      expect(told.map((line) => line['event'])).toContain(event);
      for (const line of told) {
        expect(Object.keys(line).filter((member) => !idsAndWords.has(member))).toEqual([]);
        expect(JSON.stringify(line)).not.toMatch(secretOrPerson);
      }
    });
  });

  describe('an event says who caused it', () => {
    const of = (event: EventName): Line => told.findLast((line) => line['event'] === event) ?? {};

    test('a person, with the address and the id of the request', async () => {
      told.length = 0;
      offset = 0;
      await ways.revoked();
      for (const event of ['session_started', 'session_ended', 'consent_given', 'user_created'] as const) {
        expect(of(event)).toMatchObject({
          actor: 'person',
          client_address: '127.0.0.1',
          request_id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
        });
      }
      expect(of('session_started')['request_id']).not.toBe(of('session_ended')['request_id']);
    });

    test.each([
      ['locked', lockPerson, 'This account is locked'],
      ['deactivated', deactivatePerson, 'This account has been deactivated'],
    ])('a person who is %s, by the reference that they see', async (state, change, text) => {
      offset = 0;
      const { login, userId } = await signedIn();
      await change(operator, userId);
      for (const path of state === 'locked'
        ? [client.authorizeUrl()]
        : [client.authorizeUrl(), `${gatehouse.url}account`]) {
        told.length = 0;
        const browser = createBrowser();
        await browser.open(path);
        const page = await browser.submit({ button: 'Sign in', fields: { login } });
        expect(page).toMatchObject({ status: 403, text: expect.stringContaining(text) });
        const reference = /Reference: (\S+)/.exec(page.text)?.[1];
        expect(of('login_refused')).toMatchObject({
          user_id: userId,
          reason: `the user is ${state}`,
          request_id: reference,
        });
      }
    });

    test('a provider that tells of a sign-out', async () => {
      told.length = 0;
      await ways.upstream_logout();
      for (const event of ['upstream_logout', 'session_ended'] as const) {
        expect(of(event)).toMatchObject({
          actor: 'provider',
          actor_name: 'main',
          client_address: '127.0.0.1',
        });
      }
    });

    test('the system, where nobody asked for it', async () => {
      told.length = 0;
      await happenings.upstream_document_changed();
      expect(of('upstream_document_changed')).toMatchObject({ actor: 'system', provider: 'main' });
    });
  });

  describe('the end of a session', () => {
    test.each(Object.keys(ways) as SessionEndReason[])(
      '%s is told once',
      { timeout: 60_000 },
      async (reason) => {
        told.length = 0;
        offset = 0;
        await ways[reason]();
        const ends = told.filter(
          (line) =>
            line['event'] === (reason === 'replaced' ? 'session_replaced' : 'session_ended') &&
            (reason === 'replaced' || line['reason'] === reason),
        );
        const sessions = await db.query
          .selectFrom('sessions')
          .select('id')
          .where('end_reason', '=', reason)
          .where('id', 'in', ends.map((line) => String(line['session_id'])).concat('none'))
          .execute();
        expect(ends.length).toBeGreaterThan(0);
        expect(sessions).toHaveLength(ends.length);
      },
    );
  });
});
