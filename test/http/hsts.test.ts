/** `Strict-Transport-Security` (RFC 6797): on every answer of an https service whose operator wants it, and on no other. */
import { afterAll, describe, expect, it, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { type Service, startService } from '../../src/service.ts';
import { newSqliteFile } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

async function start(publicUrl: string, http?: object): Promise<Service> {
  const { url, remove } = newSqliteFile();
  opened.defer(async () => remove());
  const config = parseConfig(
    {
      server_name: 'example.org',
      public_url: publicUrl,
      ...(http === undefined ? {} : { http }),
      listen: { host: '127.0.0.1', port: await freePort() },
      operations: { port: 0 },
      database: { url },
      log: { level: 'silent' },
      providers: [{ id: 'main', issuer: 'http://127.0.0.1:1', client_id: 'gatehouse', client_secret: 'x' }],
    },
    { baseDir: '/' },
  );
  const service = await startService({ config });
  opened.defer(() => service.close());
  return service;
}

const places: readonly [string, string, RequestInit, number][] = [
  ['metadata', '/_matrix/client/v1/auth_metadata', {}, 200],
  ['the same, not modified', '/_matrix/client/v1/auth_metadata', { headers: { 'if-none-match': '*' } }, 304],
  ['a preflight', '/_matrix/client/v3/login', { method: 'OPTIONS' }, 204],
  ['an unknown path', '/nothing', {}, 404],
  ['a wrong method', '/_matrix/client/v3/login', { method: 'PATCH' }, 405],
  ['a refused token', '/_matrix/client/v3/account/whoami', { headers: { authorization: 'Bearer x' } }, 401],
  ['a page', '/account', { headers: { accept: 'text/html' } }, 503],
  ['a form that is refused', '/oauth2/token', { method: 'POST', body: new URLSearchParams({ a: 'b' }) }, 400],
  ['a redirect', '/', {}, 303],
];
const headersOf = async (service: Service): Promise<[string, number, string | null][]> => {
  const found: [string, number, string | null][] = [];
  for (const [name, path, init] of places) {
    const answer = await fetch(new URL(path, service.url), { redirect: 'manual', ...init });
    found.push([name, answer.status, answer.headers.get('strict-transport-security')]);
  }
  return found;
};

describe('http.hsts', () => {
  test.each([
    [{ max_age_seconds: 31_536_000 }, 'max-age=31536000'],
    [{ max_age_seconds: 300, include_subdomains: true }, 'max-age=300; includeSubDomains'],
  ])('%j is %s on every answer, on its like twice', async (hsts, header) => {
    const service = await start('https://auth.example.com/', { hsts });
    const expected = places.map(([name, , , status]) => [name, status, header]);
    expect(await headersOf(service)).toEqual(expected);
    expect(await headersOf(service)).toEqual(expected);
    const operations = await fetch(`${service.operationsUrl}/health/live`);
    expect(operations.headers.has('strict-transport-security')).toBe(false);
  });

  test.each<[string, string, object | undefined]>([
    ['by default', 'https://auth.example.com/', undefined],
    [
      'where it is 0',
      'https://auth.example.com/',
      { hsts: { max_age_seconds: 0, include_subdomains: true } },
    ],
    ['where only subdomains are named', 'https://auth.example.com/', { hsts: { include_subdomains: true } }],
    ['over http (RFC 6797 section 7.2)', 'http://127.0.0.1/', { hsts: { max_age_seconds: 300 } }],
  ])('is on no answer %s', async (_when, publicUrl, http) => {
    const service = await start(publicUrl, http);
    expect((await headersOf(service)).filter(([, , header]) => header !== null)).toEqual([]);
  });

  it('is refused where no browser would take it', () => {
    const check = (maxAge: unknown) => () =>
      parseConfig(
        {
          server_name: 'example.org',
          public_url: 'https://a.example/',
          http: { hsts: { max_age_seconds: maxAge } },
          providers: [{ id: 'main', issuer: 'https://i.example', client_id: 'g', client_secret: 'x' }],
        },
        { baseDir: '/' },
      );
    for (const wrong of [-1, 1.5, '1y', 63_072_001]) {
      expect(check(wrong)).toThrow(/http\.hsts\.max_age_seconds/);
    }
  });
});
