import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { sendToIdp, type SignIn } from '../storage/records/sign-ins.ts';
import type { Provider } from '../upstream/provider.ts';
import type { SignInDeps } from './deps.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { idpFailedPage } from './pages.ts';
import { wantedMaxAge } from './freshness.ts';

/** What is kept, sealed, while the browser is at the IdP. */
export interface UpstreamSecrets {
  readonly codeVerifier: string;
  readonly nonce: string;
}

/** Context under which the secrets of a sign-in are sealed. */
export function sealContext(signInId: string): string {
  return `sign_ins:${signInId}`;
}

/** Our redirect URI at a provider. */
export function callbackUrl(issuer: string, providerId: string): string {
  return endpointUrl(issuer, `upstream/${providerId}/callback`);
}

/** Consent to an app is asked on our own page, not at the IdP. */
function promptForIdp(prompt: string | null): string | null {
  const rest = prompt?.split(' ').filter((value) => value !== 'consent') ?? [];
  return rest.length === 0 ? null : rest.join(' ');
}

interface WayToIdp {
  readonly signIn: SignIn;
  readonly provider: Provider;
  readonly cookies?: readonly string[];
  /** In place of the sign-in's own. */
  readonly prompt?: string;
}

/** As {@link leaveForIdp}; a person is shown a page that can try again if the IdP cannot be reached, and the other providers. */
export async function goToIdp(
  deps: SignInDeps,
  way: WayToIdp & { readonly request: ApiRequest },
): Promise<Reply> {
  const { request, signIn, provider, cookies = [] } = way;
  try {
    return await leaveForIdp(deps, way);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return idpFailedPage(deps, { request, cookies, signIn: { ...signIn, provider_id: provider.id } }, error);
  }
}

/**
 * Sends the browser to the IdP for a stored sign-in. It may be called again for the same one (the IdP failed, or the person wants another
 * account): the earlier state is then dead. Throws `Unavailable` if the IdP's metadata is not available.
 */
async function leaveForIdp(deps: SignInDeps, way: WayToIdp): Promise<Reply> {
  const { signIn, provider, cookies = [] } = way;
  const state = issueSecret('upstreamState', deps.random);
  const secrets: UpstreamSecrets = {
    codeVerifier: deps.random(32).toString('base64url'),
    nonce: deps.random(32).toString('base64url'),
  };
  const prompt = way.prompt ?? promptForIdp(signIn.prompt);
  const maxAge = wantedMaxAge(signIn);
  const url = await provider.authorizationUrl({
    redirectUri: callbackUrl(deps.issuer, provider.id),
    state,
    ...secrets,
    ...(prompt === null ? {} : { prompt }),
    // With prompt=login too: only max_age obliges an IdP to say when it was (OpenID Connect Core section 2, auth_time).
    ...(maxAge === undefined ? {} : { maxAgeSeconds: maxAge }),
    ...(signIn.login_hint === null ? {} : { loginHint: signIn.login_hint }),
    ...(signIn.acr_values === null ? {} : { acrValues: signIn.acr_values }),
  });
  await deps.db.write((tx) =>
    sendToIdp(tx, {
      id: signIn.id,
      providerId: provider.id,
      stateHash: hashSecret(state),
      sealed: deps.sealer.seal(JSON.stringify(secrets), sealContext(signIn.id)),
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
