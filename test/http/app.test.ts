import express from 'express';
import { afterAll, describe, expect, it } from 'vitest';
import { OAuthError } from '../../src/protocol/oauth-error.ts';
import { MatrixError } from '../../src/protocol/matrix-error.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { html } from '../../src/http/pages/html.ts';
import { page } from '../../src/http/pages/page.ts';
import { wordsIn } from '../../src/http/pages/words.ts';
import { message } from '../../src/texts/message.ts';
import { startServer } from '../../src/http/server.ts';
import { sendRaw, startApp, statusOf } from './support.ts';

interface Echo {
  readonly operation: string;
  readonly params: Record<string, string>;
  readonly query: [string, string][];
  readonly form: [string, string][];
  readonly body: unknown;
  readonly address: string;
}

const json = async (response: Response): Promise<unknown> => response.json();
const echoed = async (response: Response): Promise<Echo> => (await response.json()) as Echo;

/** The default application, for the tests that need no other. */
const app = await startApp();
afterAll(() => app[Symbol.asyncDispose]());

describe('routes', () => {
  it('finds an operation by method and path, with its path parameters decoded once', async () => {
    const answer = await echoed(await fetch(`${app.url}/_matrix/client/v3/devices/a%2Fb%2520c`));
    expect(answer).toMatchObject({ operation: 'getDevice', params: { deviceId: 'a/b%20c' } });
  });

  it('prefers a literal path over a parameter', async () => {
    expect(await echoed(await fetch(`${app.url}/_matrix/client/v3/devices/mine`))).toMatchObject({
      operation: 'getOwnDevice',
    });
  });

  it('is strict in case, trailing slashes, double slashes and path parameters', async () => {
    for (const path of [
      '/_Matrix/client/v3/thing',
      '/_matrix/client/v3/thing/',
      '//_matrix/client/v3/thing',
      '/_matrix/client/v3/thing;y=1',
    ]) {
      expect((await fetch(app.url + path)).status, path).toBe(404);
    }
  });

  it('refuses a path that is not percent-encoded UTF-8 with 400 JSON', async () => {
    const answer = await fetch(`${app.url}/_matrix/client/v3/devices/%E0%A4%A`);
    expect(answer.status).toBe(400);
    expect(await json(answer)).toEqual({
      errcode: 'M_INVALID_PARAM',
      error: 'the path is not percent-encoded UTF-8',
    });
  });

  it('refuses NUL in a path parameter', async () => {
    expect((await fetch(`${app.url}/_matrix/client/v3/devices/a%00b`)).status).toBe(400);
  });

  it('answers unknown paths in the dialect of the mount', async () => {
    const matrix = await fetch(`${app.url}/_matrix/client/v3/nothing`, { headers: { accept: 'text/html' } });
    expect([matrix.status, await json(matrix)]).toEqual([
      404,
      { errcode: 'M_UNRECOGNIZED', error: 'there is nothing at this path' },
    ]);
    const bare = await fetch(`${app.url}/_matrix`);
    expect([bare.status, await json(bare)]).toMatchObject([404, { errcode: 'M_UNRECOGNIZED' }]);
    const oauth = await fetch(`${app.url}/oauth2/nothing`);
    expect([oauth.status, await json(oauth)]).toEqual([
      404,
      { error: 'invalid_request', error_description: 'there is nothing at this path' },
    ]);
    const person = await fetch(`${app.url}/nothing`, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(person.status).toBe(404);
    expect(person.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await json(await fetch(`${app.url}/nothing`))).toMatchObject({ error: 'invalid_request' });
  });

  it('says in the log which path was asked for, without what could be a secret', async () => {
    await fetch(`${app.url}/_matrix/client/v3/rooms/!a:b/gat_${'x'.repeat(40)}?token=y`);
    expect(app.logged.lines().at(-1)).toMatchObject({
      operation: 'unmatched',
      reason: 'there is nothing at /_matrix/client/v3/rooms/*/*',
    });
  });

  it('answers other methods with 405 and Allow', async () => {
    const matrix = await fetch(`${app.url}/_matrix/client/v3/thing`, { method: 'POST' });
    expect([matrix.status, matrix.headers.get('allow')]).toEqual([405, 'GET, PUT, HEAD, OPTIONS']);
    expect(await json(matrix)).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
    const token = await fetch(`${app.url}/oauth2/token`);
    expect([token.status, token.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    expect(await json(token)).toMatchObject({ error: 'invalid_request' });
  });

  it('answers HEAD like GET without the body, and TRACE with 405', async () => {
    for (const path of [
      '/_matrix/client/v3/thing',
      '/_matrix/client/v3/devices/x',
      '/.well-known/openid-configuration',
    ]) {
      const get = await fetch(app.url + path);
      const head = await fetch(app.url + path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
      expect(await head.text()).toBe('');
    }
    const trace = await sendRaw(
      app.port,
      'TRACE /_matrix/client/v3/thing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    expect(statusOf(trace)).toBe(405);
  });

  it('ignores query parameters that it does not know, brackets and prototype names too', async () => {
    const answer = await fetch(
      `${app.url}/_matrix/client/v3/paint?colour=*:/?&scope[]=x&__proto__=y&constructor=z`,
    );
    expect(answer.status).toBe(200);
    expect((await echoed(answer)).query[0]).toEqual(['colour', '*:/?']);
  });

  it('refuses a query that is not percent-encoded UTF-8 where it is read', async () => {
    expect((await fetch(`${app.url}/_matrix/client/v3/paint?colour=%ff`)).status).toBe(400);
    expect((await fetch(`${app.url}/oauth2/authorize?state=%zz`)).status).toBe(400);
  });
});

describe('a public URL with a path', () => {
  it('has the routes under its path, Matrix routes at the root too, and the issuer documents in all forms', async () => {
    await using app = await startApp({ publicUrl: 'https://example.com/auth/' });
    const found: Record<string, string> = {
      '/auth/oauth2/authorize': 'authorize',
      '/auth/_matrix/client/v3/thing': 'getThing',
      '/_matrix/client/v3/thing': 'getThing',
      '/auth/.well-known/openid-configuration': 'getConfiguration',
      '/.well-known/openid-configuration/auth': 'getConfiguration',
      '/auth/.well-known/oauth-authorization-server': 'getServer',
      '/.well-known/oauth-authorization-server/auth': 'getServer',
      '/.well-known/oauth-authorization-server/auth/': 'getServer',
    };
    for (const [path, operation] of Object.entries(found)) {
      expect(await echoed(await fetch(app.url + path)), path).toMatchObject({ operation });
    }
    for (const path of [
      '/oauth2/authorize',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/auth',
    ]) {
      expect((await fetch(app.url + path)).status, path).toBe(404);
    }
  });
});

describe('pages', () => {
  const pages = [
    {
      method: 'GET',
      path: '/consent/:id',
      operationId: 'showConsent',
      handler: ({ params }) =>
        page(wordsIn('en'), {
          title: message('action.return-to', { place: params['id'] ?? '' }),
          body: html`<p>x</p>`,
        }),
    },
    {
      method: 'POST',
      path: '/consent/:id',
      operationId: 'giveConsent',
      form: true,
      handler: ({ form }) => ({ status: 303, headers: { location: `/next?${form.get('a') ?? ''}` } }),
    },
    {
      method: 'GET',
      path: '/refused',
      operationId: 'refused',
      handler: () => Promise.reject(new OAuthError('access_denied', 'not <you>', { status: 403 })),
    },
    {
      method: 'GET',
      path: '/down',
      operationId: 'down',
      handler: () => {
        throw new Unavailable('the identity provider');
      },
    },
    {
      method: 'GET',
      path: '/broken',
      operationId: 'broken',
      handler: () => {
        throw new Error('secret detail');
      },
    },
  ] as const satisfies NonNullable<Parameters<typeof startApp>[0]>['pages'];

  it('are served below the path of the public URL with their forms parsed', async () => {
    await using app = await startApp({ publicUrl: 'http://127.0.0.1:8090/auth/', pages });
    const shown = await fetch(`${app.url}/auth/consent/a%3Cb`);
    expect(shown.status).toBe(200);
    expect(await shown.text()).toContain('<h1>Return to <bdi>a&lt;b</bdi></h1>');
    const given = await fetch(`${app.url}/auth/consent/7`, {
      method: 'POST',
      body: new URLSearchParams({ a: 'ü\r\nx: y' }),
      redirect: 'manual',
    });
    expect(given.status).toBe(303);
    expect(given.headers.get('location')).toBe('/next?%C3%BC%0D%0Ax: y');
    expect(given.headers.get('x')).toBeNull();
  });

  it('tell a person of errors in HTML and a program in JSON, never the cause', async () => {
    await using app = await startApp({ pages });
    const accept = { headers: { accept: 'text/html' } };
    const refused = await fetch(`${app.url}/refused`, accept);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('Details: <bdi>not &lt;you&gt;</bdi>');
    expect(await json(await fetch(`${app.url}/refused`))).toEqual({
      error: 'access_denied',
      error_description: 'not <you>',
    });
    const down = await fetch(`${app.url}/down`, accept);
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await down.text()).toContain('the identity provider is not available');
    const broken = await fetch(`${app.url}/broken`, accept);
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain('secret detail');
    expect(app.logged.text()).toContain('secret detail');
  });

  it('have no CORS headers and are guarded against framing, sniffing and scripts', async () => {
    await using app = await startApp({ pages });
    for (const path of ['/consent/1', '/refused', '/nothing']) {
      const { headers } = await fetch(app.url + path, { headers: { accept: 'text/html', origin: 'null' } });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('same-origin');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('errors', () => {
  it('come out in the words of the dialect', async () => {
    const thrown: Record<string, () => unknown> = {
      oauth: () => new OAuthError('invalid_grant', 'the code is "unknown"'),
      client: () =>
        new OAuthError('invalid_client', 'no', { headers: { 'www-authenticate': 'Basic realm="x"' } }),
      matrix: () => new MatrixError(401, 'M_USER_LOCKED', 'locked', { members: { soft_logout: true } }),
      down: () => new Unavailable('the database', { retryAfterSeconds: 3.2 }),
      bug: () => new TypeError('at /etc/passwd'),
    };
    const raise = ({ headers }: { headers: Record<string, unknown> }): never => {
      throw thrown[headers['x-raise'] as string]?.();
    };
    await using app = await startApp({
      handlers: { getThing: raise, getConfiguration: raise, token: raise, legacyRefresh: raise },
    });
    const ask = async (
      path: string,
      kind: string,
      body?: string,
      type = 'application/x-www-form-urlencoded',
    ): Promise<unknown[]> => {
      const answer = await fetch(app.url + path, {
        headers: { 'x-raise': kind, ...(body === undefined ? {} : { 'content-type': type }) },
        ...(body === undefined ? {} : { body, method: 'POST' }),
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      const text = await answer.text();
      const isJson = answer.headers.get('content-type') === 'application/json';
      return [
        answer.status,
        isJson ? (JSON.parse(text) as unknown) : text,
        answer.headers.get('retry-after') ?? answer.headers.get('www-authenticate'),
      ];
    };
    const [thing, configuration, token] = [
      '/_matrix/client/v3/thing',
      '/.well-known/openid-configuration',
      '/oauth2/token',
    ];
    expect(await ask(thing, 'matrix')).toEqual([
      401,
      { errcode: 'M_USER_LOCKED', error: 'locked', soft_logout: true },
      null,
    ]);
    expect(await ask(thing, 'down')).toEqual([
      503,
      { errcode: 'M_UNKNOWN', error: 'the database is not available, try again later' },
      '4',
    ]);
    expect(await ask(thing, 'bug')).toEqual([
      500,
      {
        errcode: 'M_UNKNOWN',
        error: expect.stringMatching(/^internal error, reference [0-9a-f]{8}-\w+$/) as unknown,
      },
      null,
    ]);
    expect(await ask(configuration, 'down')).toEqual([
      503,
      {
        error: 'temporarily_unavailable',
        error_description: 'the database is not available, try again later',
      },
      '4',
    ]);
    expect(await ask(configuration, 'bug')).toEqual([
      500,
      { error: 'server_error', error_description: expect.any(String) as unknown },
      null,
    ]);
    expect(await ask(token, 'oauth', 'a=1')).toEqual([
      400,
      { error: 'invalid_grant', error_description: "the code is 'unknown'" },
      null,
    ]);
    expect(await ask(token, 'client', 'a=1')).toEqual([
      401,
      { error: 'invalid_client', error_description: 'no' },
      'Basic realm="x"',
    ]);
    // No `error` where clients would end the session on it.
    expect(await ask(token, 'down', 'a=1')).toEqual([
      503,
      { message: 'the database is not available, try again later' },
      '4',
    ]);
    expect(await ask(token, 'bug', 'a=1')).toEqual([500, { message: expect.any(String) as unknown }, null]);
    expect(await ask('/_matrix/client/v3/refresh', 'down', '{}')).toEqual([
      503,
      'the database is not available, try again later',
      '4',
    ]);
  });
});

describe('CORS', () => {
  it('is open without credentials on every API answer, errors and preflights included', async () => {
    await using app = await startApp({
      handlers: {
        token: () => {
          throw new OAuthError('invalid_grant', 'no');
        },
      },
    });
    const asked: [string, string, { body?: URLSearchParams | string; headers?: Record<string, string> }][] = [
      ['GET', '/_matrix/client/v3/thing', {}],
      ['GET', '/_matrix/client/v3/none', {}],
      ['POST', '/_matrix/client/v3/thing', {}],
      ['GET', '/.well-known/openid-configuration', {}],
      ['POST', '/oauth2/token', { body: new URLSearchParams({ a: 'b' }) }],
      ['POST', '/oauth2/token', { body: 'not a form', headers: { 'content-type': 'text/plain' } }],
      ['POST', '/oauth2/registration', { body: '{' }],
    ];
    for (const [method, path, init] of asked) {
      const { headers } = await fetch(app.url + path, {
        ...init,
        method,
        headers: { ...init.headers, origin: 'https://client.example' },
      });
      expect(headers.get('access-control-allow-origin'), path).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('access-control-expose-headers')).toBe('Retry-After, ETag');
      // The Matrix specification wants these on every answer, not on preflights alone.
      expect(headers.has('access-control-allow-headers')).toBe(path.startsWith('/_matrix'));
    }
  });

  it('answers preflights without asking a handler', async () => {
    const never = (): never => {
      throw new Error('a preflight reached the handler');
    };
    await using app = await startApp({
      handlers: { getThing: never, putThing: never, token: never, register: never },
    });
    for (const path of [
      '/_matrix/client/v3/thing',
      '/oauth2/token',
      '/oauth2/registration',
      '/_matrix/client/v3/unknown',
      '/oauth2/userinfo',
    ]) {
      const answer = await fetch(app.url + path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://client.example',
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'authorization',
        },
      });
      expect(answer.status, path).toBe(204);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-allow-methods')).toBe('GET, POST, PUT, DELETE, OPTIONS');
      expect(answer.headers.get('access-control-allow-headers')).toBe(
        'X-Requested-With, Content-Type, Authorization, Accept, Accept-Language, Content-Language, If-None-Match',
      );
      expect(answer.headers.get('access-control-max-age')).toBe('86400');
    }
  });

  it('is closed on what a browser navigates to', async () => {
    await using app = await startApp({
      handlers: { authorize: () => ({ status: 303, headers: { location: 'https://idp.example/' } }) },
    });
    for (const method of ['GET', 'OPTIONS', 'PUT']) {
      const { headers } = await fetch(`${app.url}/oauth2/authorize`, {
        method,
        redirect: 'manual',
        headers: { origin: 'https://client.example' },
      });
      expect(headers.get('access-control-allow-origin'), method).toBeNull();
    }
  });
});

describe('the router in another application', () => {
  it('answers what is ours and passes on the rest, errors of others too', async () => {
    await using ours = await startApp();
    const other = express();
    other.get('/_matrix/client/v3/sync', (_request, response) => void response.send('synced'));
    other.use(ours.app.router);
    other.get('/later', (_request, response) => void response.send('later'));
    other.get('/broken/:id', (_request, response) => void response.send('never'));
    other.use(
      ((error: Error, _request, response, _next) =>
        void response.status(418).send(error.constructor.name)) as express.ErrorRequestHandler,
    );
    const server = await startServer({
      listener: other,
      listen: { host: '127.0.0.1', port: 0 },
      log: ours.logged.log,
    });
    const url = server.address;
    try {
      expect(await (await fetch(`${url}/_matrix/client/v3/sync`)).text()).toBe('synced');
      expect(await (await fetch(`${url}/later`)).text()).toBe('later');
      expect((await fetch(`${url}/broken/%E0%A4%A`)).status).toBe(418);
      expect(await echoed(await fetch(`${url}/_matrix/client/v3/thing`))).toMatchObject({
        operation: 'getThing',
      });
      expect(
        await echoed(
          await fetch(`${url}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) }),
        ),
      ).toMatchObject({ form: [['a', 'b']] });
      expect((await fetch(`${url}/_matrix/client/v3/devices/%E0%A4%A`)).status).toBe(400);
    } finally {
      await server.close();
    }
  });

  it('says in the log what is wrong when a body parser was mounted before it', async () => {
    await using ours = await startApp();
    const other = express();
    other.use(express.json());
    other.use(ours.app.router);
    const server = await startServer({
      listener: other,
      listen: { host: '127.0.0.1', port: 0 },
      log: ours.logged.log,
    });
    const url = server.address;
    try {
      const answer = await fetch(`${url}/oauth2/registration`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"display_name":"x"}',
      });
      expect(answer.status).toBe(500);
      expect(ours.logged.text()).toContain('mount Gatehouse before body parsers');
    } finally {
      await server.close();
    }
  });
});
