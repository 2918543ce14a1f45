/** A refusal costs less than what it refuses: limits count before anything is read or judged, and the first fault is enough. Black box. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Answer, ask, postJson, registerTestClient, type TestClient } from '../support/oauth-client.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

let gatehouse: Gatehouse;
let client: TestClient;
beforeAll(async () => {
  gatehouse = await startGatehouse({
    env: {
      GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1',
      GATEHOUSE__LIMITS__REGISTRATIONS_PER_ADDRESS: '10',
      GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: '10',
      GATEHOUSE__LIMITS__DEVICE_GRANTS_PER_ADDRESS: '10',
    },
    yaml: 'legacy_login: { sso: true }',
  });
  client = await registerTestClient(gatehouse);
});
afterAll(() => gatehouse[Symbol.asyncDispose]());

describe('an address with too many requests is told so, whatever it sends', () => {
  const post = (body: string, headers: Record<string, string>): RequestInit => ({
    method: 'POST',
    body,
    headers,
  });
  const junk = JSON.stringify({ redirect_uris: 'x'.repeat(60_000), grant_types: Array(1000).fill(1) });
  it.each<[string, string, () => RequestInit, number]>([
    ['registers with no JSON', 'oauth2/registration', () => post('{', JSON_TYPE), 400],
    ['registers with junk', 'oauth2/registration', () => post(junk, JSON_TYPE), 400],
    [
      'registers in another type',
      'oauth2/registration',
      () => post('x', { 'content-type': 'text/plain' }),
      415,
    ],
    ['registers with too much', 'oauth2/registration', () => post('x'.repeat(70_000), JSON_TYPE), 413],
    ['pushes a request with a bad escape', 'oauth2/par', () => post('a=%zz', FORM_TYPE), 400],
    ['pushes a request as nobody', 'oauth2/par', () => post('client_id=x', FORM_TYPE), 401],
    [
      'begins a device grant as nobody',
      'oauth2/device_authorization',
      () => post('client_id=x', FORM_TYPE),
      401,
    ],
    [
      'begins a device grant with too many fields',
      'oauth2/device_authorization',
      () => post('a&'.repeat(200), FORM_TYPE),
      400,
    ],
    ['authorizes for nobody', 'oauth2/authorize?client_id=x', () => ({}), 400],
    ['authorizes by a form that is none', 'oauth2/authorize', () => post('%', FORM_TYPE), 400],
    ['signs in to nowhere', 'sign-in/sso?redirectUrl=nowhere', () => ({}), 400],
  ])('%s', async (name, path, request, otherwise) => {
    const address = `2001:db8:${String(name.length)}:${Buffer.from(name).subarray(-2).toString('hex')}::1`;
    const send = (): Promise<Answer> => {
      const init = request();
      return ask(gatehouse.url + path, {
        ...init,
        headers: { ...(init.headers as Record<string, string> | undefined), 'x-forwarded-for': address },
      });
    };
    for (let index = 0; index < 10; index++) expect((await send()).status).toBe(otherwise);
    const { status, headers } = await send();
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it.each(['oauth2/registration', 'oauth2/par', 'oauth2/device_authorization'])(
    'before the body of %s has come',
    async (path) => {
      const { hostname, port } = new URL(gatehouse.url);
      const status = async (): Promise<string> => {
        const socket = connect(Number(port), hostname);
        socket.write(
          `POST /${path} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 198.51.100.${String(path.length)}\r\ncontent-type: application/json\r\ncontent-length: 30000\r\n\r\n{`,
        );
        const first = await Promise.race([once(socket, 'data'), wait(500, ['none'])]);
        socket.destroy();
        return first[0] === 'none' ? 'none' : String(first[0]).slice(9, 12);
      };
      const waiting = await Promise.all(Array.from({ length: 10 }, status));
      expect(new Set(waiting)).toEqual(new Set(['none']));
      expect(await status()).toBe('429');
    },
  );
});

describe('the first fault of a request is told, with its name and its rule', () => {
  const many = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`client_uri#${String(index)}`, 7]),
  );
  const register = (body: Record<string, unknown>): Promise<Answer> =>
    postJson(`${gatehouse.url}oauth2/registration`, body, { 'x-forwarded-for': `10.0.0.${String(at++)}` });
  let at = 1;
  const sound = { client_uri: 'https://a.example.com/', redirect_uris: ['https://a.example.com/'] };
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a member of another type', { client_uri: 7 }, /^client_uri must be string,null$/],
    ['two of them', { client_uri: 7, client_name: 8 }, /^client_(uri|name) must be string,null$/],
    ['a list that is none', { grant_types: 'x' }, /^grant_types must be array,null$/],
    ['an item of a list', { grant_types: ['x', 7, 8, 9] }, /^grant_types\.1 must be string$/],
    [
      'a list that is too long',
      { contacts: Array(101).fill('x') },
      /^contacts must NOT have more than 100 items$/,
    ],
    [
      'a text that is too long',
      { client_name: 'x'.repeat(8193) },
      /^client_name must NOT have more than 8192 characters$/,
    ],
    [
      'too many members',
      {
        ...many,
        ...many,
        ...Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x${String(index)}`, 1])),
      },
      /^the body must NOT have more than 200 properties$/,
    ],
  ])('%s', async (_what, members, words) => {
    const { status, body } = await register({ ...sound, ...members });
    expect([status, body['error']]).toEqual([400, 'invalid_client_metadata']);
    expect(body['error_description']).toMatch(words);
  });

  it.each<[string, string, RegExp]>([
    [
      'a field that is too long',
      `token=${'x'.repeat(32_769)}`,
      /^the parameter token is longer than 32768 characters$/,
    ],
    ['too many fields', 'a&'.repeat(101), /more than 100 parameters/],
  ])('%s of a form', async (_what, body, words) => {
    const answer = await ask(`${gatehouse.url}oauth2/revoke`, { method: 'POST', body, headers: FORM_TYPE });
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
    expect(answer.body['error_description']).toMatch(words);
  });

  it('and what is as long as it may be is none', async () => {
    expect(
      (await register({ ...sound, contacts: Array(100).fill('x'), token_endpoint_auth_method: 'none' }))
        .status,
    ).toBe(201);
    const token = 'x'.repeat(32_768);
    const answer = await ask(`${gatehouse.url}oauth2/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client.clientId, token }).toString(),
      headers: FORM_TYPE,
    });
    expect(answer.status).toBe(200);
  });
});
