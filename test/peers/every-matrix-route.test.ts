/** A plain HTTP client asks every route of openapi/matrix-client.yaml at the running service, under every path that it has, behind a real IdP. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DescribedOperation, readOperations } from '../openapi/described-operation.ts';
import { createBrowser } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import { type Answer, ask } from '../support/oauth-client.ts';
import { type Gatehouse, startGatehouse } from './gatehouse.ts';

interface Question {
  /** In place of the parameters of the path, in their order. */
  readonly path?: readonly string[];
  readonly query?: string;
  readonly token?: string;
  readonly body?: unknown;
}

interface Expected {
  readonly status: number;
  /** What the body has at least; a text is part of the page. */
  readonly body?: Record<string, unknown> | string;
  readonly headers?: Record<string, unknown>;
}

/** What is asked, and what comes back; made anew for every path, as some can be asked once only. */
type Exercise = () => Promise<[Question, Expected]>;

const document = new URL('../../openapi/matrix-client.yaml', import.meta.url).pathname;
const operations: readonly DescribedOperation[] = readOperations(document);
const unrecognized: Expected = { status: 404, body: { errcode: 'M_UNRECOGNIZED' } };

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      validateResponses: true,
      yaml: 'legacy_login: { password: true, trusted_redirects: ["https://app.example/"] }',
      env: {
        GATEHOUSE__DATABASE__URL: await engine.newUrl(),
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      },
    });
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  async function send(method: string, path: string, question: Question): Promise<Answer> {
    const values = [...(question.path ?? [])];
    const target = path.replace(/\{[^}]*\}/g, () => encodeURIComponent(values.shift() ?? ''));
    const { token, body } = question;
    return ask(gatehouse.url + target.slice(1) + (question.query ?? ''), {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  const v3 = '/_matrix/client/v3';
  const loginBody = (more: object = {}, login = 'alice'): object => ({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: login },
    password: `password of ${login}`,
    ...more,
  });
  async function logIn(more: object = {}, login = 'alice'): Promise<Record<string, string>> {
    const answer = await send('POST', `${v3}/login`, { body: loginBody(more, login) });
    expect(answer.status).toBe(200);
    return answer.body as Record<string, string>;
  }
  const sso = '?redirectUrl=https%3A%2F%2Fapp.example%2F%3Fa%3D1';
  const toIdp: Expected = { status: 302, headers: { location: expect.stringContaining('/sign-in/sso?') } };
  const token = async (): Promise<string> => (await logIn())['access_token'] ?? '';
  const refused = (question: Question, expected = unrecognized): Exercise => {
    return async () => [{ token: await token(), ...question }, expected];
  };
  const emailQuestion: Question = { body: { client_secret: 'x', email: 'a@example.org', send_attempt: 1 } };

  const exercises: Record<string, Exercise> = {
    'GET /.well-known/matrix/client': async () => [
      {},
      { status: 200, body: { 'm.homeserver': { base_url: gatehouse.url } } },
    ],
    'GET /_matrix/client/v1/auth_metadata': async () => [
      {},
      { status: 200, body: { issuer: gatehouse.url } },
    ],
    'GET /_matrix/client/unstable/org.matrix.msc2965/auth_issuer': async () => [
      {},
      { status: 200, body: { issuer: gatehouse.url } },
    ],
    [`GET ${v3}/login`]: async () => [{}, { status: 200, body: { flows: expect.any(Array) } }],
    [`POST ${v3}/login`]: async () => [
      { body: loginBody({ refresh_token: true, device_id: 'EVERY' }) },
      {
        status: 200,
        body: {
          user_id: '@alice:example.org',
          device_id: 'EVERY',
          refresh_token: expect.stringMatching(/^grt_/),
        },
      },
    ],
    [`GET ${v3}/login/sso/redirect`]: async () => [{ query: sso }, toIdp],
    [`GET ${v3}/login/sso/redirect/{}`]: async () => [{ path: ['main'], query: sso }, toIdp],
    'GET /_matrix/static/client/login': async () => [{}, { status: 200, body: 'matrixLogin' }],
    [`GET ${v3}/account/whoami`]: async () => [
      { token: await token() },
      { status: 200, body: { user_id: '@alice:example.org' } },
    ],
    [`POST ${v3}/refresh`]: async () => [
      { body: { refresh_token: (await logIn({ refresh_token: true }))['refresh_token'] } },
      { status: 200, body: { access_token: expect.stringMatching(/^gat_/) } },
    ],
    [`POST ${v3}/logout`]: async () => [{ token: await token() }, { status: 200, body: {} }],
    [`POST ${v3}/logout/all`]: async () => [
      { token: (await logIn({}, 'bob'))['access_token'] ?? '' },
      { status: 200, body: {} },
    ],
    [`GET ${v3}/devices`]: async () => [
      { token: await token() },
      { status: 200, body: { devices: expect.any(Array) } },
    ],
    [`GET ${v3}/devices/{}`]: async () => [
      { token: (await logIn({ device_id: 'A/B' }))['access_token'] ?? '', path: ['A/B'] },
      { status: 200, body: { device_id: 'A/B' } },
    ],
    [`PUT ${v3}/devices/{}`]: async () => [
      {
        token: (await logIn({ device_id: 'A/B' }))['access_token'] ?? '',
        path: ['A/B'],
        body: { display_name: 'Named' },
      },
      { status: 200, body: {} },
    ],
    [`DELETE ${v3}/devices/{}`]: async () => {
      const { access_token: accessToken = '' } = await logIn({ device_id: 'REMOVES' });
      await logIn({ device_id: 'A/B' });
      const auth = { session: await proven(accessToken, ['A/B']) };
      return [
        { token: accessToken, path: ['A/B'], body: { auth } },
        { status: 200, body: {} },
      ];
    },
    [`POST ${v3}/delete_devices`]: async () => {
      const { access_token: accessToken = '' } = await logIn({ device_id: 'REMOVES' });
      const devices = ['A/B', 'C'];
      const auth = { session: await proven(accessToken, devices, 'POST') };
      return [
        { token: accessToken, body: { devices, auth } },
        { status: 200, body: {} },
      ];
    },
    [`GET ${v3}/auth/{}/fallback/web`]: async () => {
      const { body } = await send('POST', `${v3}/delete_devices`, {
        token: await token(),
        body: { devices: [] },
      });
      return [
        { path: ['m.login.sso'], query: `?session=${String(body['session'])}` },
        { status: 303, headers: { location: expect.stringContaining('/user-interactive?session=') } },
      ];
    },
    [`POST ${v3}/register`]: async () => [
      { body: { username: 'new', password: 'x' } },
      { status: 403, body: { errcode: 'M_FORBIDDEN' } },
    ],
    [`GET ${v3}/register/available`]: refused({ query: '?username=new' }),
    'GET /_matrix/client/v1/register/m.login.registration_token/validity': refused({ query: '?token=x' }),
    [`POST ${v3}/register/email/requestToken`]: refused(emailQuestion),
    [`POST ${v3}/register/msisdn/requestToken`]: refused(emailQuestion),
    [`POST ${v3}/account/password`]: refused({ body: { new_password: 'x' } }),
    [`POST ${v3}/account/password/email/requestToken`]: refused(emailQuestion),
    [`POST ${v3}/account/password/msisdn/requestToken`]: refused(emailQuestion),
    [`POST ${v3}/account/deactivate`]: refused({ body: { erase: true } }),
    [`POST ${v3}/account/3pid/add`]: refused({ body: { sid: 'x', client_secret: 'x' } }),
    [`POST ${v3}/account/3pid/delete`]: refused({ body: { medium: 'email', address: 'a@example.org' } }),
    [`POST ${v3}/account/3pid/email/requestToken`]: refused(emailQuestion),
    [`POST ${v3}/account/3pid/msisdn/requestToken`]: refused(emailQuestion),
    'POST /_matrix/client/v1/login/get_token': refused({ body: {} }),
  };

  /** A session of user-interactive authentication for the removal of these devices, that its person has completed. */
  async function proven(accessToken: string, devices: string[], how = 'DELETE'): Promise<string> {
    const [device = ''] = devices;
    const asked =
      how === 'DELETE'
        ? await send('DELETE', `${v3}/devices/{}`, { token: accessToken, path: [device], body: {} })
        : await send('POST', `${v3}/delete_devices`, { token: accessToken, body: { devices } });
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.sso'] }] } });
    const session = String(asked.body['session']);
    const browser = createBrowser();
    await browser.open(`${gatehouse.url}_matrix/client/v3/auth/m.login.sso/fallback/web?session=${session}`);
    await browser.submit({ button: 'Continue' });
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.body).toContain('authDone');
    return session;
  }

  it('knows how to ask each of them, and no other', () => {
    expect(Object.keys(exercises).sort()).toEqual(operations.map(({ key }) => key).sort());
  });

  describe.each(operations)('$key', ({ key, also }) => {
    const [method = '', path = ''] = key.split(' ');
    it.each([path, ...also])('answers at %s', async (each) => {
      const exercise = exercises[key];
      if (exercise === undefined) throw new Error(`nobody asks ${key}`);
      const [question, expected] = await exercise();
      const answer = await send(method, each, question);
      const text = String(answer.body['text']);
      if (typeof expected.body === 'string') expect(text).toContain(expected.body);
      else if (expected.body !== undefined) expect(answer.body).toMatchObject(expected.body);
      expect(answer.status).toBe(expected.status);
      expect(Object.fromEntries(answer.headers)).toMatchObject(expected.headers ?? {});
      if (answer.status >= 400) expect(answer.body['error']).toBeTypeOf('string');
      if (!key.includes('/fallback/web') && !key.includes('/sso/') && !key.includes('/static/'))
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    });

    it('answers a preflight, and another method with 405', async () => {
      const values = { path: ['main', 'main'] };
      const other = operations
        .filter((each) => each.key.endsWith(` ${path}`))
        .map((each) => each.key.split(' ')[0]);
      const wrong = ['PATCH', 'PUT', 'DELETE'].find((each) => !other.includes(each)) ?? '';
      const answer = await send(wrong, path, values);
      expect(answer).toMatchObject({
        status: 405,
        body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) },
      });
      if (key.includes('/fallback/web') || key.includes('/sso/') || key.includes('/static/')) return;
      const preflight = await send('OPTIONS', path, values);
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-methods')).toContain(method);
    });
  });
});
