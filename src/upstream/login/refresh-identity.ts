/** Who somebody is, asked again by the refresh token of their login (OpenID Connect Core §12). */
import * as oauth from 'oauth4webapi';
import { requestOptions } from './request-options.ts';
import { usesOpenId } from './authorization-url.ts';
import { type RedeemedCode, tokenFetch } from './code-exchange.ts';
import { clientOf, mergeClaims } from './login.ts';
import type { LoginDeps } from './login-context.ts';
import { tokenError } from './login-errors.ts';
import { UpstreamRefusal } from './refusal.ts';
import { subjectOf } from './subject.ts';
import { readTokens } from './token-answer.ts';
import { fetchUserinfo } from './userinfo.ts';

export interface RefreshInput {
  readonly refreshToken: string;
  /** Whose it is: an answer about somebody else is refused. */
  readonly subject: string;
  /** Told of the refresh token that replaces the one that was sent, before anything else is done with the answer; it must be kept by then. */
  readonly onRotated: (refreshToken: string) => Promise<void>;
}

export interface RefreshedIdentity {
  /** ID token merged with userinfo, as far as either is available. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Everything was asked that a login asks: a claim that is not there is gone. Otherwise its absence means nothing. */
  readonly isComplete: boolean;
}

/** Throws {@link UpstreamRefusal} or Unavailable: then nothing is known. `idpError` is `invalid_grant` if the token is of no use any more. */
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
  try {
    const sent = tokenFetch(deps, usesOpenId(deps.settings));
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      await deps.clientAuthentication.for(server),
      input.refreshToken,
      requestOptions(sent.fetch),
    );
    const { refresh_token: rotated } = sent.body();
    if (response.ok && typeof rotated === 'string' && rotated !== '' && rotated !== input.refreshToken) {
      await input.onRotated(rotated);
    }
    return await readTokens(deps, server, client, { response, body: sent.body() });
  } catch (error) {
    throw error instanceof UpstreamRefusal ? error : tokenError(error);
  }
}

/** What userinfo must be about. Without an ID token `sub` is known only if it is what identifies people. */
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
