/** What the userinfo endpoint says of the person: OpenID Connect Core §5.3, or the only source of identity in plain OAuth 2.0. */
import * as oauth from 'oauth4webapi';
import { describeAnswer, isJsonAnswer, isMarkup, mediaType } from '../../outbound/answers.ts';
import { usesOpenId } from './authorization-url.ts';
import { ANSWER_BYTES, type RedeemedCode } from './code-exchange.ts';
import type { LoginDeps } from './login-context.ts';
import { userinfoError } from './login-errors.ts';
import type { OutboundResponse } from '../../outbound/outbound.ts';
import { UpstreamRefusal } from './refusal.ts';
import { requestOptions } from './request-options.ts';
import { userinfoAlgorithms } from './signature-algorithms.ts';
import { verifySigned } from './verify-signed.ts';
import { JsonFault } from '../../protocol/strict-json.ts';
import { jwtForLibrary, parseProviderObject } from '../provider-json.ts';

/**
 * Undefined if it is not to be asked: if there is no ID token it is the only source, so it is asked then whatever the settings say. The
 * subject must be that of the ID token. Throws {@link UpstreamRefusal} or Unavailable.
 */
export async function fetchUserinfo(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  redeemed: RedeemedCode,
): Promise<Record<string, unknown> | undefined> {
  const { settings } = deps;
  const { userinfo_endpoint: endpoint } = server;
  const openid = usesOpenId(settings);
  const { idToken } = redeemed;
  if (endpoint === undefined || (openid && idToken !== undefined && !settings.fetchUserinfo))
    return undefined;
  try {
    let answer: OutboundResponse | undefined;
    const options = requestOptions(async (url: string, init: { headers: Record<string, string> }) => {
      answer = await deps.outbound.send({
        purpose: 'userinfo',
        url,
        headers: init.headers,
        maxBytes: ANSWER_BYTES,
      });
      judgeAnswer(answer, url);
      const isJwt = mediaType(answer) === 'application/jwt';
      return new Response(isJwt ? jwtForLibrary(answer.text) : JSON.stringify(parse(answer.text)), {
        status: answer.status,
        headers: { 'content-type': isJwt ? 'application/jwt' : 'application/json' },
      });
    });
    const response = await oauth.userInfoRequest(server, client, redeemed.accessToken, options);
    const text = answer?.text ?? '';
    if (!openid) return parse(text);
    const algorithms = userinfoAlgorithms(server, settings);
    const issuer = idToken === undefined ? redeemed.issuer : String(idToken['iss']);
    await oauth.processUserInfoResponse(
      { ...server, issuer, userinfo_signing_alg_values_supported: algorithms },
      client,
      idToken === undefined ? oauth.skipSubjectCheck : String(idToken['sub']),
      response,
    );
    if (answer !== undefined && mediaType(answer) === 'application/jwt') {
      return (await verifySigned(deps, 'userinfo', text, algorithms)).claims;
    }
    return parse(text);
  } catch (error) {
    throw error instanceof UpstreamRefusal ? error : userinfoError(error);
  }
}

function judgeAnswer(answer: OutboundResponse, url: string): void {
  const { status } = answer;
  if (status >= 500 || status === 408 || status === 429 || isMarkup(answer))
    throw describeAnswer(answer, url);
  if (status !== 200) throw new UpstreamRefusal('userinfo', `the userinfo endpoint answered ${status}`);
  if (!isJsonAnswer(answer) && mediaType(answer) !== 'application/jwt') throw describeAnswer(answer, url);
}

function parse(text: string): Record<string, unknown> {
  try {
    return parseProviderObject(text);
  } catch (error) {
    if (error instanceof JsonFault)
      throw new UpstreamRefusal('userinfo', `userinfo is malformed: ${error.message}`);
    throw error;
  }
}
