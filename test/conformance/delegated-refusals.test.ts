/** What a server that leaves people to their identity provider refuses, in the exact words by which clients know it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { askMatrix, startLegacy } from '../support/legacy-session.ts';
import type { Answer } from '../support/oauth-client.ts';

const text = expect.any(String) as string;
const unrecognized = { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: text } };
const APPSERVICE = 'm.login.application_service';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let token: string;
  beforeAll(async () => {
    const env = await databaseOf(engine);
    gatehouse = await startGatehouse({ env, validateResponses: true });
    const url = env['GATEHOUSE__DATABASE__URL'] ?? '';
    const db = await openDatabase({ url, clock: systemClock, random: systemRandom });
    token = (await startLegacy(db)).accessToken;
    await db.close();
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  describe('registration', () => {
    const register = (json: unknown, query = '', version = 'v3'): Promise<Answer> =>
      askMatrix(gatehouse, `POST ${version}/register${query}`, { json });

    it.each(['r0', 'v3'])('of a person is 403 at %s', async (version) => {
      for (const json of [
        {},
        { username: 'mallory', password: 'x' },
        { username: 'mallory', auth: { type: 'm.login.dummy' } },
        { type: 'm.login.dummy', inhibit_login: true },
      ]) {
        for (const query of ['', '?kind=user'])
          expect(await register(json, query, version)).toMatchObject({
            status: 403,
            body: { errcode: 'M_FORBIDDEN', error: text },
          });
      }
    });

    it('of a guest is 403, whatever else it says', async () => {
      for (const json of [{}, { type: APPSERVICE, inhibit_login: true }]) {
        expect(await register(json, '?kind=guest')).toMatchObject({
          status: 403,
          body: { errcode: 'M_FORBIDDEN', error: text },
        });
      }
    });

    it('by an application service that wants to be signed in is 400 M_APPSERVICE_LOGIN_UNSUPPORTED', async () => {
      for (const inhibit of [{}, { inhibit_login: false }]) {
        expect(await register({ type: APPSERVICE, username: '_bridge_x', ...inhibit })).toMatchObject({
          status: 400,
          body: { errcode: 'M_APPSERVICE_LOGIN_UNSUPPORTED', error: text },
        });
      }
    });

    it('by an application service is otherwise the homeserver’s: not here', async () => {
      const json = { type: APPSERVICE, username: '_bridge_x', inhibit_login: true };
      expect(await register(json)).toMatchObject(unrecognized);
    });

    it.each([
      ['{', 'M_NOT_JSON'],
      ['', 'M_NOT_JSON'],
      ['[]', 'M_BAD_JSON'],
      ['{"type":1}', 'M_BAD_JSON'],
      ['{"inhibit_login":"yes"}', 'M_BAD_JSON'],
    ])('with the body %j is 400 %s', async (body, errcode) => {
      expect(await askMatrix(gatehouse, 'POST v3/register', { body })).toMatchObject({
        status: 400,
        body: { errcode, error: text },
      });
    });

    it('of another kind is 400', async () => {
      for (const query of ['?kind=robot', '?kind=', '?kind=user&kind=guest']) {
        expect(await register({}, query)).toMatchObject({
          status: 400,
          body: { errcode: 'M_INVALID_PARAM', error: text },
        });
      }
    });
  });

  describe('a route that needs a password or an address here', () => {
    it.each(
      ['r0', 'v3'].flatMap((version) =>
        [
          'GET register/available?username=x',
          'POST register/email/requestToken',
          'POST register/msisdn/requestToken',
          'POST account/password',
          'POST account/password/email/requestToken',
          'POST account/password/msisdn/requestToken',
          'POST account/deactivate',
          'POST account/3pid',
          'POST account/3pid/add',
          'POST account/3pid/delete',
          'POST account/3pid/email/requestToken',
          'POST account/3pid/msisdn/requestToken',
        ].map((route) => route.replace(' ', ` ${version}/`)),
      ),
    )('is not here, with an access token or without: %s', async (route) => {
      for (const options of [{}, { token }, { token: 'nonsense' }]) {
        const json = route.startsWith('GET') ? {} : { json: { auth: {}, new_password: 'x' } };
        expect(await askMatrix(gatehouse, route, { ...options, ...json })).toMatchObject(unrecognized);
      }
      if (route.startsWith('POST'))
        expect(await askMatrix(gatehouse, route, { token, body: 'not JSON' })).toMatchObject(unrecognized);
    });

    it('is not here: registration tokens', async () => {
      const route = 'GET v1/register/m.login.registration_token/validity?token=x';
      expect(await askMatrix(gatehouse, route)).toMatchObject(unrecognized);
    });

    it('has no other method either', async () => {
      for (const route of ['GET v3/register', 'GET v3/account/password', 'DELETE v3/account/deactivate']) {
        expect(await askMatrix(gatehouse, route)).toMatchObject({
          status: 405,
          body: { errcode: 'M_UNRECOGNIZED', error: text },
        });
      }
    });
  });

  it.each(['v1/login/get_token', 'unstable/org.matrix.msc3882/login/token'])(
    'a login token for another client is not to be had at %s',
    async (path) => {
      for (const options of [{}, { token }, { token, json: {} }, { token, json: { auth: {} } }]) {
        expect(await askMatrix(gatehouse, `POST ${path}`, options)).toMatchObject(unrecognized);
      }
      expect(await askMatrix(gatehouse, `GET ${path}`)).toMatchObject({ status: 405 });
    },
  );

  it('every refusal can be read by a web client, and nobody keeps it', async () => {
    for (const route of ['POST v3/account/password', 'POST v1/login/get_token', 'POST v3/register']) {
      const answer = await askMatrix(gatehouse, route, { json: {} });
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(await askMatrix(gatehouse, route.replace('POST', 'OPTIONS'))).toMatchObject({ status: 204 });
    }
  });
});

it('in passthrough mode registration is refused alike, and what is not here is not there either', async () => {
  await using gatehouse = await startGatehouse({ env: { GATEHOUSE__MODE: 'passthrough' } });
  expect(await askMatrix(gatehouse, 'POST v3/register', { json: {} })).toMatchObject({ status: 403 });
  expect(await askMatrix(gatehouse, 'POST v3/account/deactivate', { json: {} })).toMatchObject(unrecognized);
});
