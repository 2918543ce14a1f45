/** Guessing the secrets of clients and servers. Black box. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/observability/log.ts';
import { systemClock } from '../../src/protocol/clock.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Answer, postForm } from '../support/oauth-client.ts';

const SECRET = 'right-secret-of-the-client';
const HOMESERVER = 'shared-with-the-homeserver';
const MAIL = 'shared-with-the-mail-server';
const LIMIT = 30;

let gatehouse: Gatehouse;
let offset = 0;
const events: Record<string, unknown>[] = [];
beforeAll(async () => {
  gatehouse = await startGatehouse({
    validateResponses: true,
    clock: { now: () => systemClock.now() + offset, monotonic: () => systemClock.monotonic() + offset },
    env: { GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1' },
    log: createLog({
      level: 'info',
      destination: {
        write: (line) => {
          const members = JSON.parse(line) as Record<string, unknown>;
          if (members['event'] === 'client_authentication_failed') events.push(members);
        },
      },
    }),
    yaml: `clients:
  - { client_id: basic, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_basic, redirect_uris: ["https://a.example.com/"], grant_types: [authorization_code, refresh_token, client_credentials, "urn:ietf:params:oauth:grant-type:device_code"] }
  - { client_id: other, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_basic, grant_types: [client_credentials] }
  - { client_id: post, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], introspect_all: true }
  - { client_id: public, redirect_uris: ["https://a.example.com/"] }
sasl: { enabled: true, secret: ${MAIL} }`,
  });
});
afterAll(() => gatehouse[Symbol.asyncDispose]());

const send = (
  path: string,
  form: Record<string, string>,
  address: string,
  authorization?: string,
): Promise<Answer> =>
  postForm(gatehouse.url + path, form, {
    'x-forwarded-for': address,
    ...(authorization === undefined ? {} : { authorization }),
  });
const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

type Ask = (secret: string, address: string) => Promise<Answer>;
const asBasic =
  (path: string, form: Record<string, string>, id = 'basic'): Ask =>
  (secret, address) =>
    send(path, form, address, basic(id, secret));
const introspectAsPost: Ask = (client_secret, address) =>
  send('oauth2/introspect', { token: 'x', client_id: 'post', client_secret }, address);
const introspectAsHomeserver: Ask = (secret, address) =>
  send('oauth2/introspect', { token: 'x' }, address, `Bearer ${secret}`);
const askAsMailServer: Ask = (secret, address) =>
  send('verify/sasl', { mechanism: 'OAUTHBEARER', initial_response: bearer }, address, `Bearer ${secret}`);
const bearer = Buffer.from('n,,\x01auth=Bearer x\x01\x01').toString('base64');
const credentials = { grant_type: 'client_credentials' };

describe('wrong secrets of a client', () => {
  it.each<[string, Ask, number, number]>([
    ['at the token endpoint', asBasic('oauth2/token', credentials), 429, 200],
    ['on a refresh', asBasic('oauth2/token', { grant_type: 'refresh_token', refresh_token: 'x' }), 503, 400],
    ['at introspection', introspectAsPost, 503, 200],
    ['at revocation', asBasic('oauth2/revoke', { token: 'x' }), 429, 200],
    ['at a pushed request', asBasic('oauth2/par', {}), 429, 400],
    ['at a device grant', asBasic('oauth2/device_authorization', {}), 429, 400],
  ])('are limited by client and address %s', async (name, ask, refused, good) => {
    const address = `203.0.${String(name.length)}.1`;
    const before = events.length;
    for (let guess = 0; guess < LIMIT; guess++) {
      expect((await ask(`guess ${String(guess)}`, address)).status).toBe(401);
    }
    const over = await ask('one more guess', address);
    expect(over.status).toBe(refused);
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
    if (refused === 503 && name === 'on a refresh') expect(over.body).not.toHaveProperty('error');
    // A right guess is not known to be right.
    expect((await ask(SECRET, address)).status).toBe(refused);
    expect(events.slice(before).map(({ client_address }) => client_address)).toEqual(
      Array.from({ length: LIMIT }, () => address),
    );
    // From elsewhere the client goes on, and so does another client from here.
    expect((await ask(SECRET, `203.0.${String(name.length + 100)}.1`)).status).toBe(good);
    expect((await asBasic('oauth2/token', credentials, 'other')(SECRET, address)).status).toBe(200);
    offset += 15 * 60_000;
    expect((await ask(SECRET, address)).status).toBe(good);
  });

  it('lock nobody out whose secret was right at that address before', async () => {
    const ask = asBasic('oauth2/token', credentials);
    const address = '2001:db8::1';
    expect((await ask(SECRET, address)).status).toBe(200);
    for (let guess = 0; guess < LIMIT; guess++) expect((await ask('guess', address)).status).toBe(401);
    expect((await ask('guess', address)).status).toBe(429);
    expect((await ask(SECRET, address)).status).toBe(200);
    expect((await ask('guess', address)).status).toBe(429);
  });

  it('are those of a network, where the addresses of a network guess', async () => {
    const ask = asBasic('oauth2/token', credentials);
    const statuses: number[] = [];
    for (let guess = 0; guess < 4 * LIMIT + 10; guess++)
      statuses.push((await ask('guess', `2001:db8:7:${guess.toString(16)}::1`)).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(4 * LIMIT);
    expect((await ask(SECRET, '2001:db8:8::1')).status).toBe(200);
  });

  it.each<[string, (address: string) => Promise<Answer>, number]>([
    [
      'a public client',
      (address) => send('oauth2/token', { client_id: 'public', ...credentials }, address),
      400,
    ],
    [
      'a client that nobody knows',
      (address) => send('oauth2/token', credentials, address, basic('nobody', 'x')),
      401,
    ],
    [
      'a method that is not the client’s',
      (address) => send('oauth2/token', { ...credentials, client_id: 'basic', client_secret: 'x' }, address),
      401,
    ],
    ['a right secret', (address) => asBasic('oauth2/token', credentials)(SECRET, address), 200],
    ['no secret', (address) => send('oauth2/introspect', { token: 'x' }, address), 401],
  ])('are not %s', async (_name, ask, status) => {
    const before = events.length;
    for (let time = 0; time < 2 * LIMIT; time++) expect((await ask('198.51.100.9')).status).toBe(status);
    expect(events).toHaveLength(before);
  });
});

describe('wrong secrets of a server', () => {
  it.each<[string, Ask, string, number, number]>([
    ['the homeserver', introspectAsHomeserver, HOMESERVER, 503, 200],
    ['the mail server', askAsMailServer, MAIL, 429, 200],
  ])('are limited, and never lock out %s itself', async (_name, ask, secret, refused, good) => {
    const address = '192.0.2.50';
    const before = events.length;
    for (let guess = 0; guess < LIMIT; guess++) expect((await ask('guess', address)).status).toBe(401);
    expect((await ask('guess', address)).status).toBe(refused);
    expect((await ask(secret, address)).status).toBe(good);
    expect((await ask('guess', address)).status).toBe(refused);
    expect(events.length - before).toBe(LIMIT);
    expect(JSON.stringify(events)).not.toContain('guess"');
  });
});
