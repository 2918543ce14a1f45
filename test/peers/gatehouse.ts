/** Gatehouse as an operator runs it, behind a real IdP: configuration file, SQLite file, sockets. For the tests with real clients. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import type { Log } from '../../src/observability/log.ts';
import type { Clock } from '../../src/protocol/clock.ts';
import { startService } from '../../src/service.ts';
import type { Browser, Page } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { startIdp, type Idp, type IdpOptions } from './idp.ts';

export interface Gatehouse extends AsyncDisposable {
  /** The issuer: public URL with a slash at the end. */
  readonly url: string;
  /** Where `/metrics` and the health checks are. */
  readonly operationsUrl: string;
  readonly idp: Idp;
  readonly homeserverSecret: string;
  readonly folder: string;
  /** POST to `/oauth2/introspect` as the homeserver. */
  introspect(token: string): Promise<Record<string, unknown>>;
}

export interface GatehouseOptions {
  idp?: IdpOptions;
  /** Further configuration, by environment variable. */
  env?: Record<string, string>;
  /** Further lines of the configuration file. */
  yaml?: string;
  /** Does something to the IdP before the service starts. */
  beforeStart?: (idp: Idp) => void;
  /** Checks every answer against the OpenAPI documents. Default false: as operators run it. */
  validateResponses?: boolean;
  /** Time of the service. Default: the system's. */
  clock?: Clock;
  /** Default: none, `log.level` is silent. */
  log?: Log;
  /** Host of the public URL. Default `127.0.0.1`. */
  publicHost?: string;
  /** Path of the public URL, with slashes. Default `/`. */
  path?: string;
}

/** Starts an IdP and Gatehouse in front of it. */
export async function startGatehouse(options: GatehouseOptions = {}): Promise<Gatehouse> {
  const idp = await startIdp(options.idp);
  options.beforeStart?.(idp);
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-peers-'));
  const port = await freePort();
  const url = `http://${options.publicHost ?? '127.0.0.1'}:${String(port)}${options.path ?? '/'}`;
  const homeserverSecret = 'shared-with-the-homeserver';
  const file = join(folder, 'gatehouse.yaml');
  writeFileSync(
    file,
    `server_name: example.org
public_url: ${url}
listen: { host: 127.0.0.1, port: ${String(port)} }
operations: { port: 0 }
database: { url: "sqlite:gatehouse.db" }
providers: [{ id: main, issuer: "${idp.issuer}", client_id: ${idp.clientId}, client_secret: ${idp.clientSecret} }]
homeserver: { kind: none, public_url: "${url}", secret: ${homeserverSecret} }
log: { level: silent }
${options.yaml ?? ''}
`,
  );
  idp.setRedirectUris(`${url}upstream/main/callback`);
  const service = await startService({
    validateResponses: options.validateResponses ?? false,
    config: loadConfig(file, { ...options.env }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.log === undefined ? {} : { log: options.log }),
  });
  return {
    url,
    operationsUrl: service.operationsUrl,
    idp,
    homeserverSecret,
    folder,
    async introspect(token) {
      const response = await fetch(`${url}oauth2/introspect`, {
        method: 'POST',
        headers: { authorization: `Bearer ${homeserverSecret}` },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      });
      if (response.status !== 200) throw new Error(`introspection answered ${String(response.status)}`);
      return (await response.json()) as Record<string, unknown>;
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      await idp.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a person does with an authorization URL: signs in at the IdP if asked, then allows. Ends at `redirectUri`. */
export async function signIn(
  browser: Browser,
  authorizationUrl: string,
  redirectUri: string,
  login = 'alice',
): Promise<Page> {
  browser.stopAt(redirectUri);
  let page = await browser.open(authorizationUrl);
  if (page.title.includes('test IdP')) page = await browser.submit({ button: 'Sign in', fields: { login } });
  if (!page.stopped) page = await browser.submit({ button: 'Allow' });
  return page;
}
