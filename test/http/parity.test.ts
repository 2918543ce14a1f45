import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OAuthError } from '../../src/protocol/oauth-error.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import type { Handler } from '../../src/http/exchange.ts';
import { prepareBody } from '../../src/http/etag.ts';
import { echo, sendRaw, startApp } from './support.ts';
import type { TestApp } from './support.ts';

const prepared = prepareBody(
  { issuer: 'https://example.com/', padding: 'x'.repeat(2000) },
  { contentType: 'application/json', cacheControl: 'public, max-age=60' },
);

const handlers: Record<string, Handler> = {
  getThing: (request) => prepared.reply(request.headers),
  getConfiguration: (request) => {
    if (request.headers['x-case'] === 'bug') throw new Error('x');
    if (request.headers['x-case'] === 'down') return Promise.reject(new Unavailable('the database'));
    return {
      status: 200,
      headers: { 'set-cookie': ['a=1', 'b=2'], 'x-text': 'a\u2028b' },
      body: { query: [...request.query] },
    };
  },
  token: async (request) => {
    await Promise.resolve();
    if (request.form.get('grant_type') === 'bad')
      throw new OAuthError('invalid_grant', 'bad', { headers: { 'www-authenticate': 'Basic' } });
    return echo(request);
  },
};

const get = (path: string, ...headers: string[]): string =>
  `GET ${path} HTTP/1.1\r\nhost: h\r\n${headers.map((header) => `${header}\r\n`).join('')}connection: close\r\n\r\n`;
const post = (path: string, type: string, body: string, ...headers: string[]): string =>
  `POST ${path} HTTP/1.1\r\nhost: h\r\n${type === '' ? '' : `content-type: ${type}\r\n`}content-length: ${String(Buffer.byteLength(body))}\r\n${headers.map((header) => `${header}\r\n`).join('')}connection: close\r\n\r\n${body}`;

const thing = '/_matrix/client/v3/thing';
const configuration = '/.well-known/openid-configuration';
const form = 'application/x-www-form-urlencoded';

const requests: readonly (readonly [string, string])[] = [
  ['a prepared body', get(thing)],
  ['a prepared body in brotli', get(thing, 'accept-encoding: gzip, br')],
  ['a prepared body in gzip', get(thing, 'accept-encoding: gzip')],
  ['a current validator', get(thing, `if-none-match: ${String(prepared.reply({}).headers?.['etag'])}`)],
  ['a stale validator', get(thing, 'if-none-match: "old"')],
  ['a query that nobody knows', get(`${thing}?a=b&a=c&%zz`)],
  ['a query that is read', get(`${configuration}?a=b&a=c`)],
  ['a query that cannot be read', get(`${configuration}?a=%zz`)],
  ['HEAD', get(thing).replace('GET', 'HEAD')],
  ['another method', get(thing).replace('GET', 'DELETE')],
  ['OPTIONS', get(thing).replace('GET', 'OPTIONS')],
  [
    'a method that only the cold operation of the path has',
    post(thing, 'application/json', '{"display_name":"x"}').replace('POST', 'PUT'),
  ],
  ['odd header values', get(configuration)],
  ['a bug', get(configuration, 'x-case: bug')],
  ['a dependency that is down', get(configuration, 'x-case: down')],
  ['two Host headers', get(thing, 'host: other')],
  ['two Authorization headers', get(thing, 'authorization: Bearer a', 'Authorization: Bearer b')],
  ['a long URL', get(`${thing}?${'a'.repeat(9000)}`)],
  ['many headers', get(thing, ...Array.from({ length: 101 }, (_, index) => `x-${String(index)}: 1`))],
  ['a trailing slash', get(`${thing}/`)],
  ['a form', post('/oauth2/token', form, 'grant_type=a+b&x=%C3%BC')],
  ['a form with charset', post('/oauth2/token', `${form}; charset="UTF-8"`, 'grant_type=a')],
  ['a refused form', post('/oauth2/token', form, 'grant_type=bad')],
  ['a doubled parameter', post('/oauth2/token', form, 'a=1&a=2')],
  ['JSON at a form endpoint', post('/oauth2/token', 'application/json', '{"grant_type":"a"}')],
  ['no content type', post('/oauth2/token', '', 'grant_type=a')],
  ['no body', post('/oauth2/token', '', '')],
  ['an empty form', post('/oauth2/token', form, '')],
  ['another charset', post('/oauth2/token', `${form}; charset=utf-7`, 'a=1')],
  ['a bad escape', post('/oauth2/token', form, 'a=%E0%A4%A')],
  ['a large form', post('/oauth2/token', form, `a=${'x'.repeat(70_000)}`)],
  ['an encoded form', post('/oauth2/token', form, 'a=1', 'content-encoding: gzip')],
  ['GET at a form endpoint', get('/oauth2/token')],
];

describe('an operation that is marked hot', () => {
  let hot: TestApp;
  let cold: TestApp;
  beforeAll(async () => {
    const random = (): Buffer => Buffer.from('0000');
    hot = await startApp({ handlers, random });
    cold = await startApp({ handlers, random, hotPaths: false });
  });
  afterAll(async () => {
    await hot[Symbol.asyncDispose]();
    await cold[Symbol.asyncDispose]();
  });

  it.each(requests)('answers the same with and without Express: %s', async (_name, request) => {
    const [one, other] = await Promise.all([sendRaw(hot.port, request), sendRaw(cold.port, request)]);
    const stable = (answer: string): string => answer.replace(/^date: .*\r\n/im, '');
    expect(one).not.toBe('');
    expect(stable(one)).toBe(stable(other));
  });

  it('answers the same to anything, and never with 500', async () => {
    const word = fc.oneof(
      fc.constantFrom(
        'a',
        '%',
        '%zz',
        '%C3%BC',
        '..',
        '//',
        ';',
        '__proto__',
        '=',
        '&',
        '+',
        '\u00fc',
        '{',
        '"',
        '?',
      ),
      fc.string({ maxLength: 12 }),
    );
    const noise = fc.array(word, { maxLength: 6 }).map((words) => words.join('').replace(/[\r\n\0 ]/g, '_'));
    const request = fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'),
      path: fc.oneof(
        fc.constantFrom(
          thing,
          configuration,
          '/oauth2/token',
          '/_matrix/client/v3/devices/',
          '/oauth2/registration',
        ),
        noise.map((text) => `/${text}`),
      ),
      tail: noise,
      type: fc.constantFrom('', form, 'application/json', `${form};charset=x`, 'text/html'),
      accept: fc.constantFrom('*/*', 'text/html', 'application/json'),
      body: noise,
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, tail, type, accept, body }) => {
        const target = encodeURI(path + tail).replaceAll('%25', '%');
        const text = post(target, type, body, `accept: ${accept}`).replace('POST', method);
        const [one, other] = await Promise.all([sendRaw(hot.port, text), sendRaw(cold.port, text)]);
        const stable = (answer: string): string =>
          answer.replace(/^date: .*\r\n/im, '').replace(/[0-9a-f]{8}-[0-9a-z]+/g, 'id');
        expect(stable(one)).toBe(stable(other));
        expect(one).toMatch(/^HTTP\/1\.1 [234]\d\d /);
      }),
      { numRuns: 150 },
    );
  });

  it('logs and counts the same', async () => {
    const strip = (app: TestApp): unknown[] =>
      app.logged
        .lines()
        .map(({ operation, status, reason, message }) => ({ operation, status, reason, message }))
        .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    expect(strip(hot)).toEqual(strip(cold));
    const counts = async (app: TestApp): Promise<string[]> =>
      (await app.metrics.render()).text
        .split('\n')
        .filter((line) => line.startsWith('gatehouse_http_requests_total'));
    expect((await counts(hot)).sort()).toEqual((await counts(cold)).sort());
  });
});
