/**
 * A real OpenID Connect provider (`oidc-provider`) on a loopback port, as the IdP behind Gatehouse, with faults that a test can
 * switch on and off while it runs.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AccountClaims, ProviderExchange } from '../../demo/idp/options.ts';
import { createIdentityProvider } from '../../demo/idp/provider.ts';
import { addPasswordGrant } from './password-grant.ts';

export interface IdpOptions {
  /** Redirect URIs of the client; `setRedirectUris` changes them later. Default: none. */
  redirectUris?: string[];
  /** Login name → claims; `idp.accounts` changes them later. Default: alice, bob and carol. */
  accounts?: Record<string, AccountClaims>;
  /** How the client authenticates. Default `client_secret_basic`. */
  clientAuthMethod?: 'client_secret_basic' | 'client_secret_post';
  /** `Cache-Control` of metadata and key set. Default: what oidc-provider sends, which is nothing. */
  cacheControl?: string;
  /** Puts the scopes' claims into the ID token too. Default false: userinfo only. */
  claimsInIdToken?: boolean;
  /** Prefix of its cookies, where a test runs two providers. Default `idp_`. */
  cookiePrefix?: string;
  /** Puts its session id into ID tokens and logout tokens (`backchannel_logout_session_required`). Default false. */
  tellsSessions?: boolean;
  /** Life of its tokens in seconds. Default 3600. */
  tokenTtlSeconds?: number;
  /** Has the resource owner password grant; passwords are `idp.passwords`. `id_token`: with an ID token in its answer. Default false: it has none. */
  passwordGrant?: boolean | 'id_token';
}

/** What is wrong with the provider at the moment. Every member may be set and unset while it runs. */
export interface IdpFaults {
  /** Waits before answering anything, in milliseconds. */
  delayMs: number;
  /** Answers everything with an HTML page and status 503. */
  html503: boolean;
  /** Answers the metadata with this issuer instead of its own. */
  discoveryIssuer: string | undefined;
  /** Changes the metadata document before it is sent. */
  discovery: ((document: Record<string, unknown>) => unknown) | undefined;
  /** Changes the key set before it is sent. */
  jwks: ((document: Record<string, unknown>) => unknown) | undefined;
  /** Puts this nonce into ID tokens instead of the one of the request. */
  nonce: string | undefined;
  /** Changes the query of an authorization request before it is read. */
  authorization: ((query: URLSearchParams) => void) | undefined;
  /** Answers the token endpoint with this status and an empty HTML body. */
  tokenStatus: number | undefined;
  /** Changes the token endpoint's answer. */
  tokenResponse: ((body: Record<string, unknown>) => unknown) | undefined;
  /** Changes userinfo's answer. */
  userinfo: ((body: Record<string, unknown>) => unknown) | undefined;
  /** Changes the redirect URI with which the browser comes back. */
  callback: ((url: URL) => URL) | undefined;
}

export interface Idp extends AsyncDisposable {
  readonly issuer: string;
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Login name → claims. Change it to change people. */
  readonly accounts: Map<string, AccountClaims>;
  /** Login name → password, for the password grant. `alice` has `password of alice`, and so on; nobody else has one. */
  readonly passwords: Map<string, string>;
  readonly faults: IdpFaults;
  /** Requests served since the start, or since `requests.clear()`, by path. */
  readonly requests: Map<string, number>;
  setRedirectUris(...uris: string[]): void;
  setBackchannelLogoutUri(uri: string): void;
  /** Signs with a new key from now on; the old ones stay in the key set unless `forgetOld`. */
  rotateKeys(options?: { forgetOld?: boolean }): Promise<void>;
  /** Sends the client a logout token for this account. */
  sendBackchannelLogout(login: string, sid?: string): Promise<void>;
  /** Browsers must sign in again, and its grants and tokens are gone. */
  forgetSessions(): void;
  /** Connections are refused from now on; those that are open break. */
  goDown(): Promise<void>;
  /** Listens again on the same port. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const defaultAccounts: Record<string, AccountClaims> = {
  alice: person('alice', 'Alice Liddell', ['matrix-users', 'staff']),
  bob: person('bob', 'Bob Cratchit', ['matrix-users']),
  carol: person('carol', 'Carol Danvers', []),
};

function person(login: string, name: string, groups: string[]): AccountClaims {
  return {
    sub: `sub-of-${login}`,
    preferred_username: login,
    name,
    email: `${login}@example.org`,
    email_verified: true,
    groups,
  };
}

/** Starts the provider on a free loopback port: client `gatehouse`, PKCE required, RS256, `iss` in the authorization response. */
export async function startIdp(options: IdpOptions = {}): Promise<Idp> {
  const clientId = 'gatehouse';
  const clientSecret = `idp-client-secret-${crypto.randomUUID()}`;
  const accounts = new Map(Object.entries(structuredClone(options.accounts ?? defaultAccounts)));
  const passwords = new Map([...accounts.keys()].map((login) => [login, `password of ${login}`]));
  const requests = new Map<string, number>();
  const faults: IdpFaults = {
    delayMs: 0,
    html503: false,
    discoveryIssuer: undefined,
    discovery: undefined,
    jwks: undefined,
    nonce: undefined,
    authorization: undefined,
    tokenStatus: undefined,
    tokenResponse: undefined,
    userinfo: undefined,
    callback: undefined,
  };
  let redirectUris = options.redirectUris ?? [];
  let backchannelLogoutUri: string | undefined;

  const usesPasswords = (options.passwordGrant ?? false) !== false;
  const sockets = new Set<Socket>();
  let listener: RequestListener = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://idp').pathname;
    requests.set(path, (requests.get(path) ?? 0) + 1);
    void (async () => {
      if (faults.delayMs > 0) await delay(faults.delayMs);
      if (faults.html503) {
        response
          .writeHead(503, { 'content-type': 'text/html' })
          .end('<html><body><h1>Service Unavailable</h1></body></html>');
      } else if (faults.tokenStatus !== undefined && path === '/token') {
        response
          .writeHead(faults.tokenStatus, { 'content-type': 'text/html' })
          .end('<html><body>oops</body></html>');
      } else {
        listener(request, response);
      }
    })();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      for (const socket of sockets) socket.destroy();
    });

  await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${String(port)}`;

  const provider = await createIdentityProvider({
    issuer,
    cookiePrefix: options.cookiePrefix ?? 'idp_',
    claimsInIdToken: options.claimsInIdToken,
    tokenTtlSeconds: options.tokenTtlSeconds,
    accountByLogin: (login) => accounts.get(login),
    accountBySubject: (sub) => [...accounts.values()].find((account) => account.sub === sub),
    client: (id) =>
      id === clientId
        ? {
            client_id: clientId,
            client_secret: clientSecret,
            redirect_uris: redirectUris,
            grant_types: ['authorization_code', 'refresh_token', ...(usesPasswords ? ['password'] : [])],
            response_types: ['code'],
            token_endpoint_auth_method: options.clientAuthMethod ?? 'client_secret_basic',
            ...(backchannelLogoutUri === undefined ? {} : { backchannel_logout_uri: backchannelLogoutUri }),
            ...(options.tellsSessions === true ? { backchannel_logout_session_required: true } : {}),
          }
        : undefined,
    renderLogin: ({
      action,
      login,
      problem,
    }) => `<!doctype html><html lang="en"><title>Sign in to the test IdP</title>
<h1>Sign in to the test IdP</h1>${problem === undefined ? '' : `<p role="alert">${escape(problem)}</p>`}
<form method="post" action="${escape(action)}"><label>Login <input name="login" value="${escape(login)}"></label>
<button name="action" value="sign-in">Sign in</button> <button name="action" value="cancel">Cancel</button></form></html>`,
    renderNotice: (title, detail, form = '') =>
      `<!doctype html><html lang="en"><title>Test IdP</title><h1>${escape(title)}</h1><p>${escape(detail)}</p>${form}</html>`,
    extend: usesPasswords
      ? (built) => {
          addPasswordGrant(built, {
            account: (username, password) =>
              passwords.get(username) === password ? accounts.get(username) : undefined,
            idToken: options.passwordGrant === 'id_token',
          });
        }
      : undefined,
    onServerError: (error) => {
      console.error('test IdP:', error);
    },
    around: (request, next) => applyFaults(request, next, faults, options.cacheControl),
  });
  listener = provider.listener;

  return {
    issuer,
    port,
    clientId,
    clientSecret,
    accounts,
    passwords,
    faults,
    requests,
    setRedirectUris: (...uris) => {
      redirectUris = uris;
    },
    setBackchannelLogoutUri: (uri) => {
      backchannelLogoutUri = uri;
    },
    rotateKeys: (rotation) => provider.rotateKeys(rotation),
    sendBackchannelLogout: async (login, sid) => {
      const account = accounts.get(login);
      if (account === undefined) throw new Error(`no account ${login}`);
      await provider.sendBackchannelLogout(clientId, account.sub, sid);
    },
    forgetSessions: () => {
      provider.forgetSessions();
    },
    goDown: stop,
    comeBack: () => listen(port),
    close: stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function applyFaults(
  request: ProviderExchange,
  next: () => Promise<void>,
  faults: IdpFaults,
  cacheControl: string | undefined,
): Promise<void> {
  if (request.path === '/auth' && faults.nonce !== undefined) {
    const query = new URLSearchParams(request.query);
    query.set('nonce', faults.nonce);
    request.setQuery(query);
  }
  if (request.path === '/auth' && faults.authorization !== undefined) {
    const query = new URLSearchParams(request.query);
    faults.authorization(query);
    request.setQuery(query);
  }
  await next();
  const body = request.body as Record<string, unknown>;
  if (request.path === '/.well-known/openid-configuration') {
    if (cacheControl !== undefined) request.setHeader('cache-control', cacheControl);
    if (faults.discoveryIssuer !== undefined) request.body = { ...body, issuer: faults.discoveryIssuer };
    if (faults.discovery !== undefined) request.body = faults.discovery(body);
  } else if (request.path === '/jwks') {
    if (cacheControl !== undefined) request.setHeader('cache-control', cacheControl);
    if (faults.jwks !== undefined) request.body = faults.jwks(body);
  } else if (request.path === '/token' && request.status === 200 && faults.tokenResponse !== undefined) {
    request.body = faults.tokenResponse(body);
  } else if (request.path === '/me' && request.status === 200 && faults.userinfo !== undefined) {
    request.body = faults.userinfo(body);
  } else if (
    request.path.startsWith('/auth') &&
    request.location !== undefined &&
    faults.callback !== undefined
  ) {
    const target = new URL(request.location, 'http://idp.invalid');
    if (target.searchParams.has('state')) request.location = faults.callback(target).toString();
  }
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}
