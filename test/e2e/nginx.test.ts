/** The configuration of docs/reverse-proxy/nginx.md in Debian's nginx: which server gets what, and how it arrives. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Agent, fetch as fetchThrough } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import {
  auth,
  type BehindNginx,
  devicesElsewhere,
  matrix,
  startBehindNginx,
  whole,
  withOneName,
} from '../support/behind-nginx.ts';
import { nginxPath, noNginx, type Nginx, startNginx } from '../support/nginx.ts';
import { ask, postJson, registerTestClient } from '../support/oauth-client.ts';
import { readWhole } from '../openapi/described-operation.ts';

type Json = Record<string, unknown>;

interface Seen {
  readonly server: string;
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

const ours = 'Bearer gat_5Jx0';
const bridges = { authorization: 'Bearer as_token_of_a_bridge' };

/** Every method and path of a document, aliases included; parameters of the path have a slash in them, percent-encoded. */
function routesOf(file: string): { method: string; path: string }[] {
  const document = readWhole(new URL(`../../openapi/${file}`, import.meta.url).pathname) as { paths: Json };
  return Object.entries(document.paths as Record<string, Json>).flatMap(([path, item]) => {
    const also = (item['x-gatehouse-also'] ?? []) as string[];
    return [path, ...also].flatMap((each) =>
      ['get', 'post', 'put', 'delete']
        .filter((method) => item[method] !== undefined)
        .map((method) => ({
          method: method.toUpperCase(),
          path: each.replace('{authType}', 'm.login.sso').replace(/\{[^}]+\}/g, 'a%2Fb+%25='),
        })),
    );
  });
}

if (nginxPath === undefined && (process.env['GATEHOUSE_REQUIRE_NGINX'] ?? '') !== '') {
  it('nginx is there', () => {
    throw new Error(noNginx);
  });
}

describe('the table', () => {
  it('has no entry that is for none of our routes', () => {
    const [, table = ''] = /map \$request_uri \$matrix_backend \{(.*?)\n\}/s.exec(whole) ?? [];
    const entries = [...table.matchAll(/"~(\^[^"]+)"/g)].map(([, pattern = '']) => pattern);
    expect(entries.length).toBeGreaterThan(15);
    // What `/account/3pid` was before it had `/add`: refused like that, and in no document any more.
    const targets = [
      ...routesOf('matrix-client.yaml').map(({ path }) => path),
      '/_matrix/client/v3/account/3pid',
    ];
    for (const pattern of entries)
      expect({ pattern, used: targets.some((target) => new RegExp(pattern).test(target)) }).toEqual({
        pattern,
        used: true,
      });
  });
});

const suite = nginxPath === undefined ? `nginx (skipped: ${noNginx})` : 'nginx';
describe.skipIf(nginxPath === undefined)(suite, () => {
  const servers: Server[] = [];
  const standIn = async (name: string): Promise<number> => {
    const server = createServer({ maxHeaderSize: 32_768 }, (request, response) => {
      request.resume();
      const seen: Seen = {
        server: name,
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.headers,
      };
      response.setHeader('x-long', 'x'.repeat(request.url?.includes('long=') === true ? 12_000 : 1));
      response.end(JSON.stringify(seen));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    return (server.address() as AddressInfo).port;
  };
  let ports: { gatehouse: number; homeserver: number };
  let nginx: Nginx;
  beforeAll(async () => {
    ports = { gatehouse: await standIn('gatehouse'), homeserver: await standIn('homeserver') };
    nginx = await startNginx({ configuration: whole, ...ports });
  });
  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]();
    for (const server of servers) server.close();
  });

  async function reach(
    target: string,
    {
      host = matrix,
      at = nginx,
      ...options
    }: { host?: string; at?: Nginx } & Parameters<Nginx['ask']>[2] = {},
  ): Promise<Seen> {
    const answer = await at.ask(host, target, options);
    if (answer.status !== 200) throw new Error(`${target}: ${String(answer.status)} ${answer.body}`);
    return JSON.parse(answer.body) as Seen;
  }

  it.each(routesOf('matrix-client.yaml'))('brings $method $path to Gatehouse', async ({ method, path }) => {
    for (const headers of [{}, { authorization: ours }, { authorization: ours.toLowerCase() }]) {
      for (const target of [path, `${path}?a=1`]) {
        expect(await reach(target, { method, headers })).toMatchObject({
          server: 'gatehouse',
          method,
          target,
        });
      }
    }
    const query = `${path}?access_token=gat_5Jx0`;
    expect(await reach(query, { method })).toMatchObject({ server: 'gatehouse', target: query });
  });

  it.each(routesOf('matrix-client.yaml'))(
    'brings the preflight of $method $path to a server that answers it',
    async ({ path }) => {
      const { server, target } = await reach(path, { method: 'OPTIONS' });
      expect({ known: ['gatehouse', 'homeserver'].includes(server), target }).toEqual({
        known: true,
        target: path,
      });
    },
  );

  it.each(routesOf('authorization-server.yaml'))(
    'brings $method $path of the issuer to Gatehouse',
    async ({ method, path }) => {
      expect(await reach(path, { host: auth, method })).toMatchObject({ server: 'gatehouse', target: path });
    },
  );

  it.each([
    '/_matrix/client/versions',
    '/_matrix/client/v3/capabilities',
    '/_matrix/client/v3/sync?timeout=30000',
    '/_matrix/client/v3/keys/device_signing/upload',
    '/_matrix/client/v3/account/3pid',
    '/_matrix/client/v3/account/3pid/bind',
    '/_matrix/client/v3/auth/m.login.terms/fallback/web?session=x',
    '/_matrix/client/v3/auth/mxlogin.sso/fallback/web?session=x',
    '/_matrix/client/v3/rooms/%21a:b/state/m.room.name/%2Flogin',
    '/_matrix/client/v3/rooms/x/login',
    '/_matrix/client/v3/user/login/openid/request_token',
    '/_matrix/media/v3/upload',
    '/_synapse/client/rendezvous',
    '/_matrix/federation/v1/version',
    '/',
  ])('brings %s to the homeserver', async (target) => {
    expect(await reach(target, { headers: { authorization: ours } })).toMatchObject({
      server: 'homeserver',
      target,
    });
  });

  it.each([
    '/_matrix/client/v3/loginx',
    '/_matrix/client/v3/login/',
    '/_matrix/client/v3/login/other',
    '/_matrix/client/v3/login;x',
    '/_matrix/client/v3/Login',
    '/_matrix/client/v3/%6Cogin',
    '/_matrix/client/v3//login',
    '/_matrix//client/v3/login',
    '//_matrix/client/v3/login',
    '/_matrix/client/v3/login/../sync',
    '/_matrix/client/v3/sync/../login',
    '/_matrix/client/v3/./login',
    '/_matrix/client/v2/login',
    '/_matrix/client/r0v3/login',
    '/x/_matrix/client/v3/login',
    '/sync?/_matrix/client/v3/login',
    '/_matrix/client/v3/logout/allx',
    '/_matrix/client/v3/devices/a/b',
    '/_matrix/client/v3/login/sso/redirect/a/b',
    '/_matrix/client/v1/auth_metadatax',
    '/_matrix/client/v1/auth_metadata/',
    '/_matrix/static/client/login/js/login.js',
    '/oauth2/token',
  ])('keeps what only looks like one of ours away: %s', async (target) => {
    expect(await reach(target)).toMatchObject({ server: 'homeserver', target });
  });

  it('leaves application services to the homeserver, wherever their token stands', async () => {
    for (const [method, path] of [
      ['GET', '/_matrix/client/v3/account/whoami'],
      ['POST', '/_matrix/client/v3/register'],
      ['GET', '/_matrix/client/v3/devices'],
      ['PUT', '/_matrix/client/v3/devices/BRIDGE'],
      ['DELETE', '/_matrix/client/v3/devices/BRIDGE'],
      ['POST', '/_matrix/client/v3/delete_devices'],
    ] as const) {
      expect(await reach(path, { method, headers: bridges })).toMatchObject({ server: 'homeserver' });
      expect(await reach(`${path}?access_token=as_token`, { method })).toMatchObject({
        server: 'homeserver',
      });
    }
    const login = await reach('/_matrix/client/v3/login', { method: 'POST', headers: bridges });
    expect(login.server).toBe('gatehouse');
  });

  it('splits devices by method where the homeserver keeps them', async () => {
    const map = /map \$request_method \$device_backend \{.*?\n\}\n/s;
    expect(devicesElsewhere).toMatch(map);
    await using other = await startNginx({ configuration: whole.replace(map, devicesElsewhere), ...ports });
    const headers = { authorization: ours };
    for (const version of ['r0', 'v3']) {
      const list = `/_matrix/client/${version}/devices`;
      const one = `${list}/a%2Fb`;
      const at = async (method: string, target: string): Promise<string> =>
        (await reach(target, { at: other, method, headers })).server;
      expect(await at('GET', list)).toBe('homeserver');
      expect(await at('GET', one)).toBe('homeserver');
      expect(await at('PUT', one)).toBe('homeserver');
      expect(await at('DELETE', one)).toBe('gatehouse');
      expect(await at('POST', `/_matrix/client/${version}/delete_devices`)).toBe('gatehouse');
    }
  });

  it('takes one name for both', async () => {
    await using other = await startNginx({ configuration: withOneName, ...ports });
    const paths = routesOf('authorization-server.yaml').map(({ path }) => path);
    for (const target of [
      ...paths,
      '/account',
      '/account/sessions/x/end',
      '/consent/x',
      '/device?user_code=A',
      '/user-interactive?session=x',
      '/sign-in/x',
    ]) {
      expect(await reach(target, { at: other })).toMatchObject({ server: 'gatehouse', target });
    }
    for (const target of [
      '/accounts',
      '/oauth2',
      '/devices',
      '/.well-known/matrix/server',
      '/_matrix/client/versions',
    ]) {
      expect(await reach(target, { at: other })).toMatchObject({ server: 'homeserver', target });
    }
  });

  it('leaves all but the metadata to the homeserver in passthrough mode', async () => {
    let entries = 0;
    const configuration = whole.replace(/^ {4}"~\^\/.*;\n/gm, (entry) => ((entries += 1) <= 3 ? entry : ''));
    expect(entries).toBeGreaterThan(15);
    await using other = await startNginx({ configuration, ...ports });
    for (const { method, path } of routesOf('matrix-client.yaml')) {
      const isMetadata = /auth_metadata|auth_issuer|well-known/.test(path);
      expect(await reach(path, { at: other, method, headers: { authorization: ours } })).toMatchObject({
        server: isMetadata ? 'gatehouse' : 'homeserver',
        target: path,
      });
    }
  });

  it('asks Gatehouse for the well-known document of the server name, and for nothing else', async () => {
    expect(await reach('/.well-known/matrix/client', { host: 'example.com' })).toMatchObject({
      server: 'gatehouse',
    });
    for (const target of ['/.well-known/matrix/clientx', '/_matrix/client/v3/login', '/oauth2/token'])
      expect((await nginx.ask('example.com', target)).status).toBeOneOf([403, 404]);
  });

  it('goes on to the next process while one is restarted, a refresh too', async () => {
    const [down, up] = [await freePort(), ports.gatehouse].map((port) => `server 127.0.0.1:${String(port)};`);
    const configuration = whole.replace('server 127.0.0.1:8090;', `${String(down)} ${String(up)}`);
    await using other = await startNginx({ configuration, ...ports });
    for (let asked = 0; asked < 4; asked += 1) {
      const { server } = await reach('/_matrix/client/v3/refresh', { at: other, method: 'POST', body: '{}' });
      expect(server).toBe('gatehouse');
    }
  });

  it("closes the homeserver's administration", async () => {
    for (const target of [
      '/_synapse/mas/query_user',
      '/_synapse/admin/v1/users',
      '/_synapse//mas/query_user',
      '/_synapse/%6das/query_user',
      '/_synapse/mas',
      '/_synapse/admin/v2/users?x=1',
      '/x/../_synapse/mas/x',
    ])
      expect((await nginx.ask(matrix, target)).status).toBe(404);
  });

  it('tells the address of who asks, and not what they say of themselves', async () => {
    for (const host of [matrix, auth]) {
      const { headers } = await reach('/_matrix/client/v3/login', {
        host,
        headers: { 'x-forwarded-for': '192.0.2.1, 127.0.0.1' },
      });
      expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', host });
    }
  });

  it('passes long targets and long headers', async () => {
    const target = `/_matrix/client/v3/login/sso/redirect?long=${'x'.repeat(8_100)}`;
    for (const host of [matrix, auth]) {
      const answer = await nginx.ask(host, target);
      expect(answer.status).toBe(200);
      expect(answer.headers['x-long']).toHaveLength(12_000);
    }
  });

  it('keeps browsers on https where people sign in, with its own error answers too', async () => {
    for (const target of ['/account', '/\u0000'])
      expect((await nginx.ask(auth, encodeURI(target))).headers['strict-transport-security']).toBe(
        'max-age=31536000',
      );
  });

  it('speaks HTTP/2', async () => {
    const session = connectHttp2(`https://${matrix}`, {
      createConnection: () =>
        connectTls({
          host: '127.0.0.1',
          port: nginx.port,
          servername: matrix,
          ca: nginx.certificate,
          ALPNProtocols: ['h2'],
        }),
    });
    const stream = session.request({
      ':path': '/_matrix/client/v3/devices/a%2Fb',
      ':method': 'DELETE',
      authorization: ours,
    });
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    stream.end();
    await new Promise((resolve) => stream.once('end', resolve));
    session.close();
    expect(JSON.parse(text)).toMatchObject({
      server: 'gatehouse',
      method: 'DELETE',
      target: '/_matrix/client/v3/devices/a%2Fb',
    });
  });

  describe.each([
    { names: 'two names', oneName: false },
    { names: 'one name', oneName: true },
  ])('with Gatehouse behind it, on $names', ({ oneName }) => {
    let served: BehindNginx;
    beforeAll(async () => {
      served = await startBehindNginx({ oneName });
      // The names lead to nginx, whose certificate is trusted; nobody else's.
      const dispatcher = new Agent({
        connect: {
          ca: served.nginx.certificate,
          lookup: (_name, options, found) => {
            if (options.all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
            else found(null, '127.0.0.1', 4);
          },
        },
      });
      vi.stubGlobal('fetch', (url: string, init?: object) => fetchThrough(url, { ...init, dispatcher }));
    });
    afterAll(async () => {
      vi.unstubAllGlobals();
      await served?.[Symbol.asyncDispose]();
    });
    const v3 = (path: string): string => `${served.base}_matrix/client/v3/${path}`;
    const bearer = (token: unknown): RequestInit => ({
      headers: { authorization: `Bearer ${String(token)}` },
    });

    it('signs in a client without OAuth, whose browser begins at the one name and comes back to the other', async () => {
      const browser = createBrowser();
      browser.stopAt('https://app.example/');
      await browser.open(v3('login/sso/redirect?redirectUrl=https%3A%2F%2Fapp.example%2F'));
      await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const { url } = await browser.submit({ button: 'Continue' });
      const token = new URL(url).searchParams.get('loginToken');
      const login = await postJson(v3('login'), { type: 'm.login.token', token, device_id: 'A/B' });
      expect(login).toMatchObject({ status: 200, body: { device_id: 'A/B' } });
      const me = await ask(v3('account/whoami'), bearer(login.body['access_token']));
      expect(me).toMatchObject({ status: 200, body: { user_id: '@alice:example.org', device_id: 'A/B' } });
      expect(me.headers.get('access-control-allow-origin')).toBe('*');
      expect(await ask(v3('devices/A%2FB'), bearer(login.body['access_token']))).toMatchObject({
        status: 200,
        body: { device_id: 'A/B' },
      });
    });

    it('asks the person anew before a device goes, and tells the app from the name that it knows', async () => {
      const login = await postJson(v3('login'), {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'bob' },
        password: 'password of bob',
        device_id: 'GONE/+=',
      });
      const remove = (body: object): ReturnType<typeof ask> =>
        ask(v3('devices/GONE%2F%2B%3D'), {
          method: 'DELETE',
          body: JSON.stringify(body),
          headers: {
            authorization: `Bearer ${String(login.body['access_token'])}`,
            'content-type': 'application/json',
          },
        });
      const { status, body } = await remove({});
      expect(status).toBe(401);
      const browser = createBrowser();
      await browser.open(v3(`auth/m.login.sso/fallback/web?session=${String(body['session'])}`));
      expect(browser.page.url).toContain(served.issuer);
      await browser.submit({ button: 'Continue' });
      const last = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
      expect(last.url).toContain(served.base);
      expect(last.body).toContain('authDone');
      expect((await remove({ auth: { session: body['session'] } })).status).toBe(200);
      expect((await ask(v3('account/whoami'), bearer(login.body['access_token']))).status).toBe(401);
    });

    it('signs in a client with OAuth', async () => {
      const metadata = await ask(`${served.base}_matrix/client/v1/auth_metadata`);
      expect(metadata).toMatchObject({ status: 200, body: { issuer: served.issuer } });
      const client = await registerTestClient({ url: served.issuer });
      const tokens = await client.tokens();
      expect((await ask(v3('account/whoami'), bearer(tokens.access_token))).status).toBe(200);
      expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
    });

    it('refuses what is too much in its own words', async () => {
      const wrong = (): ReturnType<typeof postJson> =>
        postJson(v3('login'), {
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user: 'carol' },
          password: 'wrong',
        });
      for (let failure = 0; failure < 10; failure += 1) expect((await wrong()).status).toBe(403);
      const over = await wrong();
      expect(over).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
      expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(over.headers.get('access-control-allow-origin')).toBe('*');
    });
  });
});
