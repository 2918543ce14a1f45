/** Who somebody is, asked again by the refresh token of their login (OpenID Connect Core §12). */
import * as oauth from 'oauth4webapi';
import { requestOptions } from './request-options.ts';
import { usesOpenId } from './authorization-url.ts';
import { peek, type RedeemedCode, tokenFetch } from './code-exchange.ts';
import { checkIdTokenClaims, expectedIssuer, idTokenAlgorithms, verifyIdToken } from './id-token.ts';
import { clientOf, mergeClaims, subjectOf } from './login.ts';
import type { LoginDeps } from './login-context.ts';
import { tokenError } from './login-errors.ts';
import { UpstreamRefusal } from './refusal.ts';
import { fetchUserinfo } from './userinfo.ts';

export interface RefreshInput {
  readonly refreshToken: string;
  /** Whose it is: an answer about somebody else is refused. */
  readonly subject: string;
  /** Told of the refresh token that replaces the one that was sent, before anything else is done with the answer; it must be kept by then. */
  readonly onRotated: (refreshToken: string) => Promise<void>;
}

export interface RefreshedIdentity {
  /** ID token merged with userinfo, as far as either was had. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Everything was asked that a login asks: a claim that is not there is gone. Otherwise its absence means nothing. */
  readonly isComplete: boolean;
}

/** Throws {@link UpstreamRefusal} or Unavailable: then nothing is known. `idpError` is `invalid_grant` where the token is of no use any more. */
export async function refreshIdentity(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  input: RefreshInput,
): Promise<RefreshedIdentity> {
  const { settings } = deps;
  const client = clientOf(settings, deps.clock);
  const refreshed = await sendRefreshToken(deps, server, client, input);
  const redeemed = aboutSubject(deps, server, refreshed, input.subject);
  const asksUserinfo = server.userinfo_endpoint !== undefined && settings.fetchUserinfo;
  const userinfo = redeemed === undefined ? undefined : await fetchUserinfo(deps, server, client, redeemed);
  const claims = mergeClaims(refreshed.idToken, userinfo);
  const isComplete = usesOpenId(settings)
    ? refreshed.idToken !== undefined && (userinfo !== undefined || !asksUserinfo)
    : userinfo !== undefined;
  if (refreshed.idToken === undefined && userinfo === undefined) return { claims: {}, isComplete: false };
  if (subjectOf(settings, claims) !== input.subject) {
    throw new UpstreamRefusal('subject', 'the answer to the refresh token is about somebody else');
  }
  return { claims, isComplete };
}

async function sendRefreshToken(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  input: RefreshInput,
): Promise<RedeemedCode> {
  const { settings } = deps;
  const openid = usesOpenId(settings);
  const algorithms = idTokenAlgorithms(server, settings);
  try {
    const sent = tokenFetch(deps, openid);
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      await deps.clientAuthentication.for(server),
      input.refreshToken,
      requestOptions(sent.fetch),
    );
    const { refresh_token: rotated, id_token: idToken } = sent.body();
    if (response.ok && typeof rotated === 'string' && rotated !== '' && rotated !== input.refreshToken) {
      await input.onRotated(rotated);
    }
    const issuer = openid ? expectedIssuer(server, settings, peek(idToken)) : settings.issuer;
    const result = await oauth.processRefreshTokenResponse(
      { ...server, issuer, id_token_signing_alg_values_supported: algorithms },
      client,
      response,
    );
    const redeemed = { accessToken: result.access_token, issuer };
    if (result.id_token === undefined) return { ...redeemed, idToken: undefined };
    const { claims, algorithm } = await verifyIdToken(deps, result.id_token, algorithms);
    checkIdTokenClaims(claims, {
      clientId: settings.clientId,
      algorithm,
      accessToken: result.access_token,
      code: '',
      nowSeconds: deps.clock.now() / 1000,
    });
    return { ...redeemed, idToken: claims };
  } catch (error) {
    throw error instanceof UpstreamRefusal ? error : tokenError(error);
  }
}

/** What userinfo must be about. Without an ID token `sub` is known only where it is what identifies people. */
function aboutSubject(
  { settings }: LoginDeps,
  server: oauth.AuthorizationServer,
  refreshed: RedeemedCode,
  subject: string,
): RedeemedCode | undefined {
  if (refreshed.idToken !== undefined || !usesOpenId(settings)) return refreshed;
  if (settings.subjectClaim !== 'sub') return undefined;
  return { ...refreshed, idToken: { iss: server.issuer, sub: subject } };
}
