/** A service in front of a provider whose tokens and answers a test forges. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { buildMetadata } from '../../src/metadata/build.ts';
import { parseConfig } from '../../src/config/load.ts';
import { startService } from '../../src/service.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, ask } from '../support/oauth-client.ts';
import { startTokenIdp, type TokenIdp } from './support.ts';
import { createLog } from '../../src/observability/log.ts';

export interface TokenService extends AsyncDisposable {
  readonly peer: TokenIdp;
  readonly url: string;
  readonly homeserverSecret: string;
  /** What was logged, a line each. */
  readonly lines: string[];
  /** Signs a token for a device of a person. */
  tokenFor(login: string, device: string, changes?: Record<string, unknown>): Promise<string>;
  introspect(token: string): Promise<Answer>;
  /** A request with the token as the bearer. */
  as(token: string | undefined, path: string, init?: RequestInit): Promise<Answer>;
  /** What the provider sends when it signs somebody out. */
  signOut(login: string, sid?: string): Promise<Answer>;
}

export async function startTokenService(
  config: Record<string, unknown> = {},
  provider: Record<string, unknown> = {},
): Promise<TokenService> {
  const peer = await startTokenIdp();
  const { idp } = peer;
  idp.metadata = {
    ...buildMetadata(idp.issuer),
    ...idp.metadata,
    jwks_uri: `${idp.issuer}/jwks`,
    token_endpoint: `${idp.issuer}/token`,
    id_token_signing_alg_values_supported: ['ES256'],
  };
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tokens-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}/`;
  const homeserverSecret = 'shared-with-the-homeserver';
  const lines: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  const service = await startService({
    config: parseConfig(
      {
        server_name: 'example.org',
        public_url: url,
        listen: { host: '127.0.0.1', port },
        operations: { port: 0 },
        database: { url: 'sqlite:gatehouse.db' },
        homeserver: { kind: 'none', secret: homeserverSecret },
        log: { level: 'silent' },
        providers: [
          {
            id: 'main',
            issuer: idp.issuer,
            client_id: 'gatehouse',
            client_secret: 'idp-secret-canary',
            ...provider,
          },
        ],
        ...config,
      },
      { baseDir: folder },
    ),
    clock: idp.clock,
    log,
    validateResponses: true,
  });
  const sign = (claims: Record<string, unknown>, typ: string): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', typ }).sign(idp.signer.privateKey);
  let count = 0;
  return {
    peer,
    url,
    homeserverSecret,
    lines,
    tokenFor: (login, device, changes = {}) =>
      peer.sign({
        sub: `sub-of-${login}`,
        preferred_username: login,
        scope: `openid urn:matrix:client:api:* urn:matrix:client:device:${device}`,
        jti: `token ${String(count++)}`,
        ...changes,
      }),
    introspect: (token) =>
      ask(`${url}oauth2/introspect`, {
        method: 'POST',
        headers: { authorization: `Bearer ${homeserverSecret}` },
        body: new URLSearchParams({ token }),
      }),
    as: (token, path, init = {}) =>
      ask(`${url}${path}`, {
        ...init,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(init.headers as Record<string, string> | undefined),
        },
      }),
    signOut: async (login, sid) => {
      const now = Math.floor(idp.clock.now() / 1000);
      const claims = {
        iss: idp.issuer,
        aud: 'gatehouse',
        iat: now,
        exp: now + 60,
        jti: `logout ${String(count++)}`,
        sub: `sub-of-${login}`,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...(sid === undefined ? {} : { sid }),
      };
      return ask(`${url}upstream/main/backchannel-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: await sign(claims, 'logout+jwt') }),
      });
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      await peer[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
