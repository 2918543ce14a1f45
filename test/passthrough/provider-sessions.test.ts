/** The tokens that a provider issued, as clients of Matrix use them: sessions, devices, locks, sign-outs, on both engines. */
import { systemRandom } from '../../src/protocol/clock.ts';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { lockPerson, unlockPerson } from '../../src/people/people.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { type Answer, postForm } from '../support/oauth-client.ts';
import { sendJson } from '../upstream/support/scripted-server.ts';
import { startTokenService, type TokenService } from '../verification/service.ts';

const WHOAMI = '_matrix/client/v3/account/whoami';

forEachEngine((engine) => {
  let service: TokenService;
  let url: string;
  const database = async (): Promise<Record<string, unknown>> => {
    const env = await databaseOf(engine);
    url = env['GATEHOUSE__DATABASE__URL'] ?? '';
    return { database: { url }, encryption_key: env['GATEHOUSE__ENCRYPTION_KEY'] };
  };
  const minute = (): void => {
    service.peer.idp.clock.advance(60_000);
  };
  beforeAll(async () => {
    service = await startTokenService(
      { mode: 'passthrough', ...(await database()) },
      { access: { deny: [{ claim: 'groups', any_of: ['suspended'] }] } },
    );
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
  });

  describe('a token that is seen first', () => {
    it('is a session of its person on its device, for the homeserver and for clients', async () => {
      const token = await service.tokenFor('alice', 'PHONE');
      expect(await service.introspect(token)).toMatchObject({
        status: 200,
        body: {
          active: true,
          username: 'alice',
          device_id: 'PHONE',
          client_id: 'an-app',
          token_type: 'Bearer',
          expires_in: expect.any(Number),
        },
      });
      expect((await service.introspect(token)).body['scope']).toContain('urn:matrix:client:device:PHONE');
      expect((await service.as(token, WHOAMI)).body).toEqual({
        user_id: '@alice:example.org',
        device_id: 'PHONE',
        is_guest: false,
      });
      const devices = await service.as(token, '_matrix/client/v3/devices');
      expect(devices.body).toMatchObject({ devices: [{ device_id: 'PHONE' }] });
    });

    it('begins one session, however many requests come with it at once', async () => {
      const token = await service.tokenFor('bob', 'MANY');
      const answers = await Promise.all(Array.from({ length: 20 }, () => service.introspect(token)));
      expect(answers.every(({ body }) => body['active'] === true)).toBe(true);
      const started = service.lines.filter(
        (line) => line.includes('session_started') && line.includes('"MANY"'),
      );
      expect(started).toHaveLength(1);
      const devices = await service.as(token, '_matrix/client/v3/devices');
      expect(devices.body['devices']).toHaveLength(1);
    });

    test.each<[string, Record<string, unknown>, RegExp]>([
      [
        'no scope of the Matrix API',
        { scope: 'openid urn:matrix:client:device:X' },
        /has not the Matrix API/,
      ],
      ['no device', { scope: 'urn:matrix:client:api:*' }, /names no device/],
      [
        'two devices',
        { scope: 'urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:client:device:B' },
        /or several/,
      ],
      ['another audience', { aud: 'somebody-else' }, /aud names none/],
      ['no localpart', { sub: 'new', preferred_username: undefined }, /claim preferred_username/],
      ['what is no localpart', { sub: 'new', preferred_username: 'a b' }, /makes no localpart/],
      ['the localpart of somebody else', { sub: 'new', preferred_username: 'alice' }, /taken/],
      [
        'a group that is kept out',
        { groups: ['suspended'], sub: 'new', preferred_username: 'eve' },
        /groups: suspended is denied/,
      ],
    ])('with %s counts for nothing, and the log says why', async (_name, changes, reason) => {
      const before = service.lines.length;
      const token = await service.tokenFor('carol', 'NOTHING', changes);
      expect((await service.introspect(token)).body).toEqual({ active: false });
      expect(await service.as(token, WHOAMI)).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
      });
      const answered = service.lines.slice(before).filter((line) => line.includes('"introspectToken"'));
      expect((JSON.parse(answered[0] ?? '{}') as { reason?: string }).reason).toMatch(reason);
      expect(service.lines.join('')).not.toContain(token);
    });
  });

  it('the next token of the same client joins the session, as after a refresh at the provider', async () => {
    const first = await service.tokenFor('joiner', 'LAPTOP');
    await service.introspect(first);
    minute();
    const second = await service.tokenFor('joiner', 'LAPTOP');
    expect((await service.introspect(second)).body['active']).toBe(true);
    expect((await service.introspect(first)).body['active']).toBe(true);
    const devices = await service.as(second, '_matrix/client/v3/devices');
    expect(devices.body['devices']).toHaveLength(1);
    expect((await service.as(second, '_matrix/client/v3/logout', { method: 'POST' })).status).toBe(200);
    expect((await service.introspect(first)).body).toEqual({ active: false });
    expect((await service.introspect(second)).body).toEqual({ active: false });
  });

  it('revocation here ends the session of a token that was seen, and is 200 for one that nobody has', async () => {
    const token = await service.tokenFor('revoker', 'PHONE');
    expect((await service.introspect(token)).body['active']).toBe(true);
    const revoke = (which: string): Promise<Answer> =>
      postForm(new URL('oauth2/revoke', service.url).href, { token: which });
    for (const other of ['garbage', `${token}x`, await service.tokenFor('revoker', 'UNSEEN')]) {
      expect(await revoke(other)).toMatchObject({ status: 200, body: {} });
      expect((await service.introspect(token)).body['active']).toBe(true);
    }
    expect(await revoke(token)).toMatchObject({ status: 200, body: {} });
    expect((await service.introspect(token)).body).toEqual({ active: false });
  });

  it('a token of another client on the same device replaces the session', async () => {
    const first = await service.tokenFor('replacer', 'SHARED');
    await service.introspect(first);
    minute();
    const second = await service.tokenFor('replacer', 'SHARED', { client_id: 'another-app' });
    expect((await service.introspect(second)).body['active']).toBe(true);
    expect((await service.introspect(first)).body).toEqual({ active: false });
  });

  it('an expired token is a soft logout, and still signs out', async () => {
    const token = await service.tokenFor('sleeper', 'OLD');
    await service.introspect(token);
    service.peer.idp.clock.advance(301_000);
    expect(await service.as(token, WHOAMI)).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
    });
    service.peer.idp.clock.advance(60_000);
    expect(await service.as(token, WHOAMI)).toMatchObject({ status: 401, body: { soft_logout: true } });
    expect((await service.as(token, '_matrix/client/v3/logout', { method: 'POST' })).status).toBe(200);
  });

  it('after a sign-out here only a token that was issued later begins a session again', async () => {
    const before = await service.tokenFor('leaver', 'TABLET');
    const unseen = await service.tokenFor('leaver', 'TABLET');
    await service.introspect(before);
    minute();
    expect((await service.as(before, '_matrix/client/v3/logout', { method: 'POST' })).status).toBe(200);
    expect((await service.introspect(unseen)).body).toEqual({ active: false });
    minute();
    expect((await service.introspect(await service.tokenFor('leaver', 'TABLET'))).body['active']).toBe(true);
  });

  it('a sign-out at the provider ends the session at once, and tokens that were never seen too', async () => {
    const seen = await service.tokenFor('outed', 'SEEN', { sid: 's1' });
    const other = await service.tokenFor('outed', 'OTHER', { sid: 's2' });
    const unseen = await service.tokenFor('outed', 'UNSEEN', { sid: 's1' });
    await service.introspect(seen);
    await service.introspect(other);
    minute();
    expect((await service.signOut('outed', 's1')).status).toBe(200);
    expect((await service.introspect(seen)).body).toEqual({ active: false });
    expect((await service.introspect(unseen)).body).toEqual({ active: false });
    expect((await service.introspect(other)).body['active']).toBe(true);
    expect((await service.signOut('outed')).status).toBe(200);
    expect((await service.introspect(other)).body).toEqual({ active: false });
    minute();
    const later = await service.tokenFor('outed', 'SEEN', { sid: 's3' });
    expect((await service.introspect(later)).body['active']).toBe(true);
  });

  it('who is kept out by the claims of a later token loses the sessions; a claim that is missing is no evidence', async () => {
    const first = await service.tokenFor('excluded', 'A', { groups: ['staff'] });
    await service.introspect(first);
    minute();
    const unclaimed = await service.tokenFor('excluded', 'A', {});
    expect((await service.introspect(unclaimed)).body['active']).toBe(true);
    expect((await service.introspect(first)).body['active']).toBe(true);
    const bad = await service.tokenFor('excluded', 'A', { groups: ['suspended'] });
    expect((await service.introspect(bad)).body).toEqual({ active: false });
    expect((await service.introspect(first)).body).toEqual({ active: false });
    expect((await service.introspect(unclaimed)).body).toEqual({ active: false });
  });

  it('a locked person is told so, keeps the session, and is 503 for a homeserver', async () => {
    const seen = await service.tokenFor('locked', 'SEEN');
    await service.introspect(seen);
    const db = await engine.open({ url, clock: service.peer.idp.clock });
    const user = await findUserByLocalpart(db.query, 'locked');
    const deps = {
      db,
      clock: service.peer.idp.clock,
      random: systemRandom,
      homeserver: noHomeserver,
      log: { warn: () => undefined },
      emit: () => undefined,
    };
    await lockPerson(deps, user?.id ?? '');
    for (const token of [
      seen,
      await service.tokenFor('locked', 'UNSEEN'),
      await service.tokenFor('locked', 'SEEN'),
    ]) {
      expect(await service.as(token, WHOAMI)).toMatchObject({
        status: 401,
        body: { errcode: 'M_USER_LOCKED', soft_logout: true },
      });
      expect((await service.introspect(token)).status).toBe(503);
    }
    await unlockPerson(deps, user?.id ?? '');
    expect((await service.introspect(seen)).body['active']).toBe(true);
  });

  it('an outage of the provider is noticed by nobody whose keys are held', async () => {
    const token = await service.tokenFor('steady', 'D');
    await service.introspect(token);
    await service.peer.idp.server.goDown();
    try {
      service.peer.idp.clock.advance(3_600_000);
      const next = await service.tokenFor('steady', 'D');
      expect((await service.introspect(next)).body['active']).toBe(true);
      expect((await service.as(next, WHOAMI)).status).toBe(200);
    } finally {
      await service.peer.idp.server.comeBack();
    }
  });

  it('facade mode knows the tokens of a provider where the operator says so, and none otherwise', async () => {
    await using deaf = await startTokenService(await database());
    expect((await deaf.introspect(await deaf.tokenFor('alice', 'PHONE'))).body).toEqual({ active: false });
    await using open = await startTokenService(await database(), {
      tokens: { strategies: ['introspection'] },
    });
    open.peer.answer = (_request, response) => {
      sendJson(response, {
        active: true,
        sub: 'sub-of-alice',
        preferred_username: 'alice',
        scope: 'urn:matrix:client:api:* urn:matrix:client:device:PHONE',
      });
    };
    expect((await open.introspect('opaque')).body).toMatchObject({ active: true, username: 'alice' });
    await open.peer.idp.server.goDown();
    expect((await open.introspect('opaque')).body['active'], 'the verdict is held').toBe(true);
    const asked = await open.introspect('unknown');
    expect(asked.status).toBe(503);
    expect(asked.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await open.as('unknown', WHOAMI)).status).toBe(503);
  });
});
