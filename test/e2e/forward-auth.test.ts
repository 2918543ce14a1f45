/** The reverse proxies of docs/forward-auth.md, configured as it says, in front of a service with a WebSocket. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { nginxPath, startNginx } from '../support/nginx.ts';
import { ask, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { caddyPath, forwardAuthExample, haproxyPath, startCaddy, startHaproxy } from '../support/proxies.ts';

const HOST = 'api.example.com';

interface Front extends AsyncDisposable {
  readonly port: number;
  /** Certificate, where it speaks TLS. */
  readonly ca?: string;
}

const proxies: Record<
  string,
  { path: string | undefined; start: (behind: { gatehouse: number; service: number }) => Promise<Front> }
> = {
  nginx: {
    path: nginxPath,
    start: async ({ gatehouse, service }) => {
      const nginx = await startNginx({
        configuration: forwardAuthExample('nginx'),
        gatehouse,
        homeserver: service,
      });
      return {
        port: nginx.port,
        ca: nginx.certificate,
        [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
      };
    },
  },
  Caddy: { path: caddyPath, start: startCaddy },
  HAProxy: { path: haproxyPath, start: startHaproxy },
};

let gatehouse: Gatehouse;
let client: TestClient;
let service: Server;
/** What reached the service, the newest last. */
const seen: { url: string; headers: IncomingHttpHeaders }[] = [];

beforeAll(async () => {
  gatehouse = await startGatehouse({
    yaml: `forward_auth:
  enabled: true
  rules:
    - { host: ${HOST}, path: /admin, scope: [admin] }
    - { path: /public, anonymous: missing }`,
  });
  client = await registerTestClient(gatehouse);
  service = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    response.end('the resource');
  });
  service.on('upgrade', (request, socket) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => undefined).on('data', (data) => socket.write(data));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  service.closeAllConnections();
  service.close();
  await gatehouse[Symbol.asyncDispose]();
});

describe.each(Object.entries(proxies))('%s', (_name, { path, start }) => {
  let front: Front;
  beforeAll(async () => {
    if (path === undefined) return;
    front = await start({
      gatehouse: Number(new URL(gatehouse.url).port),
      service: (service.address() as AddressInfo).port,
    });
  });
  afterAll(async () => {
    if (path !== undefined) await front[Symbol.asyncDispose]();
  });

  /** One request, its head as given; what came back until the end, or, of an upgrade, until the echo of `ping`. */
  function exchange(
    target: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; head: string; rest: string }> {
    const isUpgrade = headers['upgrade'] !== undefined;
    const lines = Object.entries({ host: HOST, connection: 'close', ...headers }).map((pair) =>
      pair.join(': '),
    );
    return new Promise((resolve, reject) => {
      const address = { host: '127.0.0.1', port: front.port };
      const socket: Socket =
        front.ca === undefined
          ? connect(address)
          : connectTls({ ...address, ca: front.ca, servername: HOST });
      let text = '';
      let isPinged = false;
      const finish = (): void => {
        socket.destroy();
        const [head = '', ...rest] = text.split('\r\n\r\n');
        resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, rest: rest.join('') });
      };
      socket.setTimeout(15_000, () => reject(new Error(`no end: ${text}`)));
      socket.on('error', reject).on('close', finish);
      socket.on('data', (data: Buffer) => {
        text += data.toString();
        if (!isUpgrade || !text.includes('\r\n\r\n')) return;
        if (!text.includes(' 101 ') || text.includes('ping')) finish();
        else if (!isPinged) {
          isPinged = true;
          socket.write('ping');
        }
      });
      socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
  }

  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

  it.skipIf(path === undefined)(
    'hands on whose request it is, whatever the client claims to be',
    async () => {
      const { access_token: token } = await client.tokens({ login: 'alice' });
      const claims = {
        'X-Auth-User': '@admin:example.org',
        'X-Auth-Scope': 'admin',
        'x-auth-localpart': 'admin',
      };
      const answer = await exchange('/a?b=c', { ...bearer(token), ...claims });
      expect([answer.status, answer.rest]).toEqual([200, expect.stringContaining('the resource')]);
      const { url, headers } = seen.at(-1) ?? { url: '', headers: {} };
      expect(url).toBe('/a?b=c');
      expect(headers['x-auth-user']).toBe('@alice:example.org');
      expect(headers['x-auth-scope']).toContain('urn:matrix:client:api:*');
      expect(headers['x-auth-localpart'] ?? '').not.toBe('admin');
    },
  );

  it.skipIf(path === undefined)(
    'lets nobody pass without a good token, and says what is wanted',
    async () => {
      const before = seen.length;
      const none = await exchange('/a');
      expect(none.status).toBe(401);
      expect(none.head.match(/^www-authenticate:.*$/gim)).toEqual([
        expect.stringMatching(/: Bearer realm="example\.org"\r?$/i),
      ]);
      const bad = await exchange('/a', bearer('made-up'));
      expect(bad.status).toBe(401);
      expect(bad.head).toMatch(/www-authenticate: .*error="invalid_token"/i);
      const { access_token: token } = await client.tokens({ login: 'alice' });
      const scopeless = await exchange('/x/../admin', bearer(token));
      expect([400, 403]).toContain(scopeless.status);
      const admin = await exchange('/admin', bearer(token));
      expect(admin.status).toBe(403);
      expect(admin.head).toMatch(/www-authenticate: .*error="insufficient_scope"/i);
      expect(seen.length).toBe(before);
      const claimed = {
        'X-Auth-User': '@admin:example.org',
        'X-Forwarded-Uri': '/',
        'X-Forwarded-Host': 'other',
      };
      expect((await exchange('/admin', { ...bearer(token), ...claimed })).status).toBe(403);
    },
  );

  it.skipIf(path === undefined)('lets pass without a token what may, without an identity', async () => {
    const answer = await exchange('/public/logo', { 'X-Auth-User': '@admin:example.org' });
    expect(answer.status).toBe(200);
    expect(seen.at(-1)?.headers['x-auth-user'] ?? '').toBe('');
  });

  it.skipIf(path === undefined)('refuses a token from its sign-out on', async () => {
    const { access_token: token } = await client.tokens({ login: 'bob' });
    expect((await exchange('/a', bearer(token))).status).toBe(200);
    await ask(`${gatehouse.url}oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token }) });
    expect((await exchange('/a', bearer(token))).status).toBe(401);
  });

  it.skipIf(path === undefined)('judges an upgrade to a WebSocket before it is one', async () => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const before = seen.length;
    expect((await exchange('/socket', { ...upgrade, ...bearer('made-up') })).status).toBe(401);
    expect(seen.length).toBe(before);
    const { access_token: token } = await client.tokens({ login: 'carol' });
    const answer = await exchange('/socket', { ...upgrade, ...bearer(token) });
    expect([answer.status, answer.rest]).toEqual([101, 'ping']);
    expect(seen.at(-1)?.headers['x-auth-user']).toBe('@carol:example.org');
  });
});
