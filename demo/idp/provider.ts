/**
 * An OpenID Connect provider in memory, for `npm start` and for the tests: panva's `oidc-provider` with one login form, consent
 * granted to its known clients, and accounts that the caller holds. Development only: anybody may sign in as anybody.
 */
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { RequestListener } from 'node:http';
import { Provider, type KoaContextWithOIDC } from 'oidc-provider';
import { configure } from './configuration.ts';
import { createInteraction } from './interaction.ts';
import { createMemoryAdapter } from './memory-adapter.ts';
import type { IdentityProviderOptions, ProviderExchange } from './options.ts';

export interface IdentityProvider {
  readonly listener: RequestListener;
  /** Signs with a new RS256 key from now on. The old ones stay in the key set unless `forgetOld`. */
  rotateKeys(options?: { forgetOld?: boolean }): Promise<void>;
  /** Sends a logout token of a subject to a client's `backchannel_logout_uri` (OpenID Connect Back-Channel Logout 1.0). */
  sendBackchannelLogout(clientId: string, sub: string, sid?: string): Promise<void>;
  /** Ends all sessions and grants at the provider, as a restart would; browsers must sign in again. */
  forgetSessions(): void;
}

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
    options.extend?.(built);
    const { around } = options;
    if (around !== undefined) {
      built.use((ctx, next) => around(exchangeOf(ctx as KoaContextWithOIDC), next));
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

function exchangeOf(ctx: KoaContextWithOIDC): ProviderExchange {
  return {
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
    set location(location) {
      if (location !== undefined) ctx.set('location', location);
    },
    setHeader: (name, value) => {
      ctx.set(name, value);
    },
  };
}
