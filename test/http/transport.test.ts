import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { sendRaw, startApp, statusOf } from './support.ts';

/** The default application, for the tests that need no other. */
const app = await startApp();
afterAll(() => app[Symbol.asyncDispose]());

const thing = '/_matrix/client/v3/thing';
const close = 'connection: close\r\n';

describe('a message that could mean two things', () => {
  it.each([
    [
      'both lengths',
      `POST /oauth2/token HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'two lengths',
      `POST /oauth2/token HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\na=1`,
    ],
    ['a length that is no number', `POST /oauth2/token HTTP/1.1\r\nhost: h\r\ncontent-length: 3x\r\n\r\na=1`],
    ['a folded header', `GET ${thing} HTTP/1.1\r\nhost: h\r\nx: a\r\n b\r\n${close}\r\n`],
    ['a space before the colon', `GET ${thing} HTTP/1.1\r\nhost : h\r\n${close}\r\n`],
    ['NUL in a header', `GET ${thing} HTTP/1.1\r\nhost: h\r\nx: a\0b\r\n${close}\r\n`],
    [
      'an unknown transfer encoding',
      `POST /oauth2/token HTTP/1.1\r\nhost: h\r\ntransfer-encoding: xchunked\r\n${close}\r\n`,
    ],
    ['two Host headers', `GET ${thing} HTTP/1.1\r\nhost: h\r\nHost: i\r\n${close}\r\n`],
    [
      'two Authorization headers',
      `GET ${thing} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer a\r\nAuthorization: Bearer b\r\n${close}\r\n`,
    ],
    ['no Host header', `GET ${thing} HTTP/1.1\r\n${close}\r\n`],
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['HTTP/0.9', `GET ${thing}\r\n\r\n`],
  ])('is answered 400: %s', async (_name, request) => {
    const answer = await sendRaw(app.port, request);
    expect(statusOf(answer)).toBe(400);
    expect(answer).not.toContain('operation');
  });
});

it('survives headers that are named like prototypes', async () => {
  const request = `GET ${thing} HTTP/1.1\r\nhost: h\r\n__proto__: a\r\nconstructor: b\r\ncookie: __proto__=c; toString=d\r\n${close}\r\n`;
  expect(statusOf(await sendRaw(app.port, request))).toBe(200);
});

describe('sizes', () => {
  it('has limits for the URL, the number and the bytes of headers', async () => {
    expect(
      statusOf(
        await sendRaw(app.port, `GET ${thing}?${'a'.repeat(8200)} HTTP/1.1\r\nhost: h\r\n${close}\r\n`),
      ),
    ).toBe(414);
    expect(
      statusOf(
        await sendRaw(app.port, `GET ${thing} HTTP/1.1\r\nhost: h\r\n${'a: b\r\n'.repeat(120)}${close}\r\n`),
      ),
    ).toBe(431);
    expect(
      statusOf(
        await sendRaw(
          app.port,
          `GET ${thing} HTTP/1.1\r\nhost: h\r\na: ${'b'.repeat(17_000)}\r\n${close}\r\n`,
        ),
      ),
    ).toBe(431);
  });

  it('answers 413 to a body over the limit, whether its length is told or not', async () => {
    await using app = await startApp({ bodyLimitBytes: 1000 });
    for (const size of [1001, 500_000, 3_000_000]) {
      const body = 'a'.repeat(size);
      const head =
        'POST /oauth2/token HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-www-form-urlencoded\r\n';
      const told = await sendRaw(app.port, `${head}content-length: ${String(size)}\r\n${close}\r\n${body}`);
      const chunked = await sendRaw(
        app.port,
        `${head}transfer-encoding: chunked\r\n${close}\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      );
      if (size < 1_000_000) expect([statusOf(told), statusOf(chunked)], String(size)).toEqual([413, 413]);
      expect(told + chunked).not.toContain('HTTP/1.1 200');
    }
  });

  it('says 413 in the words of the dialect and closes the connection', async () => {
    await using app = await startApp({ bodyLimitBytes: 1000 });
    const matrix = await fetch(app.url + thing, { method: 'PUT', body: 'a'.repeat(2000) });
    expect([matrix.status, matrix.headers.get('connection'), await matrix.json()]).toEqual([
      413,
      'close',
      { errcode: 'M_TOO_LARGE', error: 'the body is larger than 1000 bytes' },
    ]);
    const oauth = await fetch(`${app.url}/oauth2/registration`, { method: 'POST', body: 'a'.repeat(2000) });
    expect([oauth.status, await oauth.json()]).toEqual([
      413,
      { error: 'invalid_request', error_description: 'the body is larger than 1000 bytes' },
    ]);
  });

  it('refuses content encodings with 415, so nothing is ever inflated', async () => {
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'x']) {
      const answer = await fetch(app.url + thing, {
        method: 'PUT',
        body: '{}',
        headers: { 'content-encoding': encoding },
      });
      expect([answer.status, await answer.json()]).toMatchObject([415, { errcode: 'M_NOT_JSON' }]);
    }
  });
});

describe('slow clients', () => {
  it('gets 503, never 408, for a body that does not come in time', async () => {
    await using app = await startApp({ bodyTimeoutMs: 100 });
    const answer = await sendRaw(
      app.port,
      'POST /oauth2/token HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n\r\ngrant',
    );
    expect(statusOf(answer)).toBe(503);
    expect(answer).toMatch(/^retry-after: 1\r$/m);
    expect(answer).not.toContain('"error"');
    expect(app.logged.text()).toContain('did not arrive in time');
  });

  it('gets 503, never 408, for headers that do not come in time', async () => {
    await using app = await startApp({ headersTimeoutMs: 200 });
    expect(statusOf(await sendRaw(app.port, `GET ${thing} HTTP/1.1\r\nhost:`))).toBe(503);
  });
});

describe('unusual requests', () => {
  it('do not hang: Expect, upgrades, OPTIONS *, absolute targets', async () => {
    const expecting = await sendRaw(
      app.port,
      `POST /oauth2/token HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n${close}\r\na=1`,
    );
    expect(expecting).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(
      statusOf(await sendRaw(app.port, `GET ${thing} HTTP/1.1\r\nhost: h\r\nexpect: magic\r\n${close}\r\n`)),
    ).toBe(417);
    const upgrade = `GET ${thing} HTTP/1.1\r\nhost: h\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nconnection: upgrade, close\r\n\r\n`;
    expect(statusOf(await sendRaw(app.port, upgrade))).toBe(200);
    expect(statusOf(await sendRaw(app.port, `OPTIONS * HTTP/1.1\r\nhost: h\r\n${close}\r\n`))).toBe(404);
    expect(await sendRaw(app.port, `GET http://h${thing} HTTP/1.1\r\nhost: h\r\n${close}\r\n`)).toContain(
      'getThing',
    );
  });

  it('survives clients that leave at any moment', async () => {
    const started: string[] = [];
    await using app = await startApp({
      bodyTimeoutMs: 1000,
      handlers: {
        token: async (request) => {
          started.push(request.operationId);
          await sleep(30);
          return { status: 200, body: { done: true } };
        },
      },
    });
    const head =
      'POST /oauth2/token HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\n';
    for (const text of [head.slice(0, 30), head, `${head}a`, `${head}a=1`]) {
      for (const wait of [0, 10]) {
        const socket = connect(app.port, '127.0.0.1');
        socket.on('error', () => undefined);
        await new Promise((resolve) => socket.once('connect', resolve));
        await new Promise((resolve) => socket.write(text, resolve));
        await sleep(wait);
        socket.resetAndDestroy();
      }
    }
    await sleep(80);
    expect(started.length).toBeGreaterThan(0);
    expect((await fetch(app.url + thing)).status).toBe(200);
    const statuses = app.logged
      .lines()
      .filter(({ operation }) => operation === 'token')
      .map(({ status }) => status);
    expect(statuses).not.toContain(500);
    expect(app.logged.text()).toContain('the client closed the connection');
  });
});
