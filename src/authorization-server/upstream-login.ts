import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { type AuthorizationRequest, beginUpstreamLogin } from '../storage/authorizations.ts';
import type { AuthorizationServerDeps } from './deps.ts';

/** What is kept, sealed, while the browser is at the IdP. */
export interface UpstreamSecrets {
  readonly codeVerifier: string;
  readonly nonce: string;
}

/** Context under which the secrets of a request are sealed. */
export function upstreamSealContext(requestId: string): string {
  return `authorization_requests:${requestId}`;
}

/** Our redirect URI at a provider. */
export function callbackUrl(issuer: string, providerId: string): string {
  return endpointUrl(issuer, `upstream/${providerId}/callback`);
}

/**
 * Sends the browser to the IdP for a stored request. It may be called again for the same request (the IdP failed, or the person wants
 * another account): the earlier state is then dead. Throws `Unavailable` where the IdP's metadata cannot be had.
 */
export async function startUpstreamLogin(
  deps: AuthorizationServerDeps,
  login: {
    stored: AuthorizationRequest;
    request: ApiRequest;
    cookies?: readonly string[];
    /** In place of the client's own `prompt`. */
    prompt?: string;
  },
): Promise<Reply> {
  const { stored, cookies = [] } = login;
  const [provider] = deps.providers;
  if (provider === undefined) throw new Error('no provider is configured');
  const state = issueSecret('upstreamState', deps.random);
  const secrets: UpstreamSecrets = {
    codeVerifier: deps.random(32).toString('base64url'),
    nonce: deps.random(32).toString('base64url'),
  };
  const prompt = login.prompt ?? stored.prompt;
  const url = await provider.authorizationUrl({
    redirectUri: callbackUrl(deps.issuer, provider.id),
    state,
    ...secrets,
    ...(prompt === null ? {} : { prompt }),
    ...(stored.max_age === null ? {} : { maxAgeSeconds: stored.max_age }),
    ...(stored.login_hint === null ? {} : { loginHint: stored.login_hint }),
    ...(stored.acr_values === null ? {} : { acrValues: stored.acr_values }),
  });
  await deps.db.write((tx) =>
    beginUpstreamLogin(tx, {
      id: stored.id,
      providerId: provider.id,
      stateHash: hashSecret(state),
      sealed: deps.sealer.seal(JSON.stringify(secrets), upstreamSealContext(stored.id)),
    }),
  );
  return {
    status: 303,
    headers: {
      ...noStore,
      location: url.href,
      ...(cookies.length === 0 ? {} : { 'set-cookie': [...cookies] }),
    },
  };
}
