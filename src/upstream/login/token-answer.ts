/** The token endpoint's answer to a grant without a browser: tokens, and an ID token if there is one. */
import * as oauth from 'oauth4webapi';
import { usesOpenId } from './authorization-url.ts';
import { peek, type RedeemedCode } from './code-exchange.ts';
import { checkIdTokenClaims, expectedIssuer } from './id-token.ts';
import type { LoginDeps } from './login-context.ts';
import { idTokenAlgorithms } from './signature-algorithms.ts';
import { verifySigned } from './verify-signed.ts';

/**
 * Checks the answer; an ID token in it is verified in full, except for the nonce, which only a browser's login has. Throws what the client library
 * does, `UpstreamRefusal`, or Unavailable.
 */
export async function readTokens(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  answer: { readonly response: Response; readonly body: Readonly<Record<string, unknown>> },
): Promise<RedeemedCode> {
  const { settings } = deps;
  const algorithms = idTokenAlgorithms(server, settings);
  const openid = usesOpenId(settings);
  const issuer =
    openid && answer.response.ok
      ? expectedIssuer(server, settings, peek(answer.body['id_token']))
      : settings.issuer;
  const result = await oauth.processGenericTokenEndpointResponse(
    { ...server, issuer, id_token_signing_alg_values_supported: algorithms },
    client,
    answer.response,
  );
  const redeemed = {
    accessToken: result.access_token,
    refreshToken: result.refresh_token,
    issuer: settings.issuerAliases.includes(issuer) ? server.issuer : issuer,
  };
  if (result.id_token === undefined) return { ...redeemed, idToken: undefined };
  const idToken = String(answer.body['id_token']);
  const signed = await verifySigned(deps, 'id_token', idToken, algorithms);
  checkIdTokenClaims(signed, {
    clientId: settings.clientId,
    accessToken: result.access_token,
    code: '',
    nowSeconds: deps.clock.now() / 1000,
    clockTolerance: settings.clockTolerance,
  });
  return { ...redeemed, idToken: signed.claims };
}
