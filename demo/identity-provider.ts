/**
 * An OpenID Connect provider in memory, for `npm start` and for the tests: panva's `oidc-provider` with one login form, consent
 * granted to its known clients, and accounts that the caller holds. Development only: anybody may sign in as anybody.
 */
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  Provider,
  errors,
  type AdapterFactory,
  type AllClientMetadata,
  type Configuration,
} from 'oidc-provider';
import { createMemoryAdapter } from './memory-adapter.ts';

/** Claims of one account. `sub` is its stable identifier; everything else goes to userinfo by scope. */
export interface AccountClaims {
  sub: string;
  [claim: string]: unknown;
}

/** What one page of the provider shows. */
export interface LoginPage {
  /** Where the form posts to. */
  action: string;
  /** The `login_hint` of the request, or what was typed before. */
  login: string;
  /** Why the form is shown again. */
  problem?: string;
}

export interface IdentityProviderOptions {
  /** Issuer identifier: the URL at which the caller serves `listener`. */
  issuer: string;
  /** Prefix of its cookies: must differ from those of everything else on the same host, as ports share a jar. */
  cookiePrefix: string;
  /** The account of a login name; read at every look-up, so it may change at run time. */
  accountByLogin: (login: string) => AccountClaims | undefined;
  accountBySubject: (sub: string) => AccountClaims | undefined;
  /** Metadata of a client; read at every look-up. */
  client: (clientId: string) => AllClientMetadata | undefined;
  /** Renders the login form: fields `login` and `action` (`sign-in` or `cancel`), method POST. */
  renderLogin: (page: LoginPage) => string;
  /** Renders a page that says something: an error, or the question whether to sign out, with the form to answer it (HTML). */
  renderNotice: (title: string, detail: string, form?: string) => string;
  /** Puts the claims of the scopes into the ID token too, not only into userinfo. Default false. */
  claimsInIdToken?: boolean | undefined;
  /** Told of errors that are the provider's own. Default: nothing. */
  onServerError?: ((error: Error) => void) | undefined;
  /** Access token and ID token life in seconds. Default 3600. */
  tokenTtlSeconds?: number | undefined;
  /** Runs around every request of the provider, for faults. `body` may be changed after `next`. */
  around?: ((request: ProviderExchange, next: () => Promise<void>) => Promise<void>) | undefined;
}

/** One request as `around` sees it. */
export interface ProviderExchange {
  readonly path: string;
  readonly method: string;
  readonly query: URLSearchParams;
  /** Replaces the query before the provider reads it. */
  setQuery(query: URLSearchParams): void;
  /** The answer, after `next`. */
  status: number;
  body: unknown;
  /** A redirect's target, after `next`. */
  location: string | undefined;
  setHeader(name: string, value: string): void;
}

export interface IdentityProvider {
  readonly listener: RequestListener;
  /** Signs with a new RS256 key from now on. The old ones stay in the key set unless `forgetOld`. */
  rotateKeys(options?: { forgetOld?: boolean }): Promise<void>;
  /** Sends a logout token of a subject to a client's `backchannel_logout_uri` (OpenID Connect Back-Channel Logout 1.0). */
  sendBackchannelLogout(clientId: string, sub: string, sid?: string): Promise<void>;
  /** Ends all sessions and grants at the provider, as a restart would; browsers must sign in again. */
  forgetSessions(): void;
}

const day = 24 * 60 * 60;

/** Creates the provider with one fresh RS256 key; the caller serves `listener` at the issuer's address. */
export async function createIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const cookieKeys = [crypto.randomUUID()];
  const storage = createMemoryAdapter(options.client);
  let keys = [await newKey()];
  let provider = build();
  let handle = listen();

  function build(): Provider {
    const built = new Provider(
      options.issuer,
      configure(options, { adapter: storage.adapter, keys, cookieKeys }),
    );
    built.on('server_error', (_ctx, error) => options.onServerError?.(error));
    const { around } = options;
    if (around !== undefined) {
      built.use((ctx, next) =>
        around(
          {
            path: ctx.path,
            method: ctx.method,
            query: new URLSearchParams(ctx.querystring),
            setQuery: (query) => {
              ctx.querystring = query.toString();
            },
            get status() {
              return ctx.status;
            },
            set status(status) {
              ctx.status = status;
            },
            get body(): unknown {
              return ctx.body;
            },
            set body(body: unknown) {
              ctx.body = body;
            },
            get location() {
              return ctx.response.get('location') || undefined;
            },
            set location(value) {
              if (value !== undefined) ctx.set('location', value);
            },
            setHeader: (name, value) => {
              ctx.set(name, value);
            },
          },
          next,
        ),
      );
    }
    return built;
  }

  function listen(): RequestListener {
    const callback = provider.callback();
    const interaction = createInteraction(provider, options);
    return (request, response) => {
      if (request.url?.startsWith('/interaction/') === true) void interaction(request, response);
      else void callback(request, response);
    };
  }

  return {
    listener: (request, response) => {
      handle(request, response);
    },
    async rotateKeys({ forgetOld = false } = {}) {
      keys = [await newKey(), ...(forgetOld ? [] : keys)];
      provider = build();
      handle = listen();
    },
    async sendBackchannelLogout(clientId, sub, sid) {
      const client = await provider.Client.find(clientId);
      if (client === undefined) throw new Error(`no client ${clientId}`);
      const logout = client['backchannelLogout'] as (sub: string, sid?: string) => Promise<void>;
      await logout.call(client, sub, sid);
    },
    forgetSessions: () => {
      storage.clear();
    },
  };
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: 'RS256', use: 'sig' };
}

function configure(
  options: IdentityProviderOptions,
  parts: { adapter: AdapterFactory; keys: JWK[]; cookieKeys: string[] },
): Configuration {
  const tokenTtl = options.tokenTtlSeconds ?? 3600;
  return {
    adapter: parts.adapter,
    jwks: { keys: parts.keys as never },
    cookies: {
      keys: parts.cookieKeys,
      names: {
        session: `${options.cookiePrefix}session`,
        interaction: `${options.cookiePrefix}interaction`,
        resume: `${options.cookiePrefix}resume`,
      },
    },
    claims: {
      openid: ['sub'],
      profile: ['preferred_username', 'name', 'groups'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    conformIdTokenClaims: options.claimsInIdToken !== true,
    pkce: { required: () => true },
    responseTypes: ['code'],
    ttl: {
      AccessToken: tokenTtl,
      IdToken: tokenTtl,
      AuthorizationCode: 60,
      RefreshToken: 14 * day,
      Interaction: 3600,
      Session: 14 * day,
      Grant: 14 * day,
    },
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const buttons =
            '<button form="op.logoutForm" name="logout" value="yes">Sign out</button> <button form="op.logoutForm">Stay</button>';
          ctx.body = options.renderNotice(
            'Sign out?',
            'This ends your session at the provider.',
            form + buttons,
          );
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = options.renderNotice('Signed out', 'Your session at the provider has ended.');
        },
      },
    },
    // The dispatcher that oidc-provider adds refuses loopback addresses, which is where everything of ours lives.
    fetch: (url, init) => {
      const { dispatcher: _dispatcher, ...rest } = init as RequestInit & { dispatcher?: unknown };
      return globalThis.fetch(url, rest);
    },
    clientBasedCORS: () => false,
    findAccount: (_ctx, sub) => {
      const account = options.accountBySubject(sub);
      return account && { accountId: sub, claims: () => ({ ...account, sub }) };
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // Consent is given for the asking: the clients are all known here.
    loadExistingGrant: async (ctx) => {
      const { client, session, provider, params, account } = ctx.oidc;
      if (client === undefined || account === undefined) return undefined;
      const grantId = ctx.oidc.result?.consent?.grantId ?? session?.grantIdFor(client.clientId);
      const grant =
        (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
        new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
      grant.addOIDCScope(String(params?.['scope'] ?? 'openid'));
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = options.renderNotice(out.error, out.error_description ?? '');
    },
  };
}

/** The login form: GET shows it, POST signs in or cancels. */
function createInteraction(
  provider: Provider,
  options: IdentityProviderOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      const details = await provider.interactionDetails(request, response);
      const show = (page: Omit<LoginPage, 'action'>, status = 200): void => {
        sendHtml(response, status, options.renderLogin({ ...page, action: `/interaction/${details.uid}` }));
      };
      if (request.method !== 'POST') {
        show({ login: typeof details.params['login_hint'] === 'string' ? details.params['login_hint'] : '' });
        return;
      }
      const form = new URLSearchParams(await readBody(request));
      if (form.get('action') === 'cancel') {
        await provider.interactionFinished(request, response, {
          error: 'access_denied',
          error_description: 'the sign-in was cancelled',
        });
        return;
      }
      const login = (form.get('login') ?? '').trim();
      const account = options.accountByLogin(login);
      if (account === undefined) {
        show({ login, problem: `There is no account “${login}” here.` }, 400);
        return;
      }
      await provider.interactionFinished(request, response, { login: { accountId: account.sub } });
    } catch (error) {
      if (error instanceof errors.OIDCProviderError) {
        sendHtml(
          response,
          400,
          options.renderNotice('This sign-in is over', 'Start again from the application.'),
        );
        return;
      }
      options.onServerError?.(error as Error);
      sendHtml(response, 500, options.renderNotice('Something went wrong', 'The provider failed.'));
    }
  };
}

function sendHtml(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 10_000) throw new errors.InvalidRequest('the form is too large');
  }
  return body;
}
