/** The authorization code for tokens, and the ID token checked. */
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { requestOptions } from './request-options.ts';
import { describeAnswer, isJsonAnswer, isMarkup } from '../../outbound/answers.ts';
import { usesOpenId, usesPkce } from './authorization-url.ts';
import { checkIdTokenClaims, expectedIssuer } from './id-token.ts';
import type { CallbackInput, LoginDeps } from './login-context.ts';
import { tokenError } from './login-errors.ts';
import type { Outbound, OutboundResponse } from '../../outbound/outbound.ts';
import { UpstreamRefusal } from './refusal.ts';
import { idTokenAlgorithms } from './signature-algorithms.ts';
import { checkSubject } from './subject.ts';
import { verifySigned } from './verify-signed.ts';
import { JsonFault } from '../../protocol/strict-json.ts';
import { jwtForLibrary, parseProviderObject, withoutNulls } from '../provider-json.ts';

export const ANSWER_BYTES = 1024 * 1024;

export interface RedeemedCode {
  readonly accessToken: string;
  /** For asking again who the person is, if the IdP gave one. A secret. */
  readonly refreshToken?: string | undefined;
  /** The canonical issuer: that of the configuration, or of the tenant. */
  readonly issuer: string;
  /** Verified claims; absent for plain OAuth 2.0. */
  readonly idToken: Readonly<Record<string, unknown>> | undefined;
}

/** Sends the code once, whatever comes back. */
export async function redeemCode(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  callback: URLSearchParams,
  input: CallbackInput,
): Promise<RedeemedCode> {
  const { settings } = deps;
  const openid = usesOpenId(settings);
  const algorithms = idTokenAlgorithms(server, settings);
  try {
    const sent = tokenFetch(deps, openid);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      await deps.clientAuthentication.for(server),
      callback,
      input.redirectUri,
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- for servers that cannot do PKCE and say so
      usesPkce(server, settings) ? input.codeVerifier : oauth.nopkce,
      requestOptions(sent.fetch),
    );
    if (!openid) {
      const result = await oauth.processAuthorizationCodeResponse(server, client, response);
      return {
        accessToken: result.access_token,
        refreshToken: result.refresh_token,
        issuer: settings.issuer,
        idToken: undefined,
      };
    }
    const issuer = expectedIssuer(server, settings, peek(sent.body()['id_token']));
    const result = await oauth.processAuthorizationCodeResponse(
      { ...server, issuer, id_token_signing_alg_values_supported: algorithms },
      client,
      response,
      {
        expectedNonce: settings.usesNonce ? input.nonce : oauth.expectNoNonce,
        requireIdToken: true,
        ...(input.maxAgeSeconds === undefined ? {} : { maxAge: input.maxAgeSeconds }),
      },
    );
    const idToken = String(sent.body()['id_token']);
    const signed = await verifySigned(deps, 'id_token', idToken, algorithms);
    const { claims } = signed;
    checkIdTokenClaims(signed, {
      clientId: settings.clientId,
      accessToken: result.access_token,
      code: callback.get('code') ?? '',
      nowSeconds: deps.clock.now() / 1000,
      clockTolerance: settings.clockTolerance,
    });
    checkSubject(claims['sub'], 'sub');
    const canonical = settings.issuerAliases.includes(issuer) ? server.issuer : issuer;
    return {
      accessToken: result.access_token,
      refreshToken: result.refresh_token,
      issuer: canonical,
      idToken: claims,
    };
  } catch (error) {
    throw error instanceof UpstreamRefusal ? error : tokenError(error);
  }
}

/** How the client library speaks to the token endpoint: by our way out, and strict about what counts as an answer. */
export function tokenFetch(
  deps: { readonly outbound: Pick<Outbound, 'send'> },
  openid: boolean,
): {
  readonly fetch: (
    url: string,
    init: { headers: Record<string, string>; body: URLSearchParams },
  ) => Promise<Response>;
  /** The answer's members, once it is there. */
  readonly body: () => Record<string, unknown>;
} {
  let body: Record<string, unknown> = {};
  return {
    body: () => body,
    fetch: async (url, init) => {
      const answer = await deps.outbound.send({
        purpose: 'token',
        url,
        method: 'POST',
        headers: init.headers,
        body: init.body.toString(),
        maxBytes: ANSWER_BYTES,
      });
      body = withoutSecrets(usedMembers(readBody(answer, url), openid), init.body);
      return new Response(JSON.stringify(forLibrary(body)), {
        status: statusOf(answer, body),
        headers: { 'content-type': 'application/json' },
      });
    },
  };
}

const USED_MEMBERS = ['access_token', 'token_type', 'refresh_token', 'error', 'error_description'];

/** What we send that nobody may read in the log. */
const SECRETS = ['code', 'code_verifier', 'refresh_token', 'client_secret', 'client_assertion', 'password'];

/** The words of an error go to the log: if they repeat one of our secrets, it is removed. */
function withoutSecrets(answer: Record<string, unknown>, sent: URLSearchParams): Record<string, unknown> {
  const { error_description: words } = answer;
  if (typeof words !== 'string') return answer;
  const secrets = SECRETS.map((name) => sent.get(name) ?? '').filter((secret) => secret !== '');
  const told = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), words);
  return { ...answer, error_description: told };
}

/** Members that an answer may lack. */
const OPTIONAL_MEMBERS = ['refresh_token', 'id_token', 'error_description'];

/** What we use of an answer: nothing else in it decides. What is no text there, or an empty one, is none. */
function usedMembers(answer: Record<string, unknown>, openid: boolean): Record<string, unknown> {
  const names = openid ? [...USED_MEMBERS, 'id_token'] : USED_MEMBERS;
  const used = Object.entries(answer).filter(([name]) => names.includes(name));
  return Object.fromEntries(
    used.filter(([name, value]) => !OPTIONAL_MEMBERS.includes(name) || isText(value)),
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function forLibrary(body: Record<string, unknown>): Record<string, unknown> {
  const { id_token: idToken } = body;
  return typeof idToken === 'string' ? { ...body, id_token: jwtForLibrary(idToken) } : body;
}

/** Answers that say nothing about the code mean that the IdP is not working: 5xx, 429, redirects and pages for browsers. */
function readBody(answer: OutboundResponse, url: string): Record<string, unknown> {
  const { status } = answer;
  const refusal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (!(isSuccess(status) || refusal) || isMarkup(answer)) throw describeAnswer(answer, url);
  if (!isJsonAnswer(answer)) throw describeAnswer(answer, url);
  try {
    // RFC 6749 section 3.2: no parameter of an answer comes twice.
    return parseProviderObject(answer.text);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const reason = `the token endpoint answered ${status} with malformed JSON: ${error.message}`;
    throw new UpstreamRefusal('token_response', reason);
  }
}

/** RFC 6749 section 5.1 knows 200 alone; some say that they have created a token. */
function isSuccess(status: number): boolean {
  return status === 200 || status === 201;
}

/** As the client library reads it, which takes 200 alone for a success. GitHub and similar providers send errors with 200. */
function statusOf({ status }: OutboundResponse, body: Record<string, unknown>): number {
  if (!isSuccess(status)) return status;
  return typeof body['error'] === 'string' && body['access_token'] === undefined ? 400 : 200;
}

/** The claims of an ID token that is not verified yet. */
export function peek(idToken: unknown): Record<string, unknown> {
  try {
    return typeof idToken === 'string' ? withoutNulls(decodeJwt(idToken)) : {};
  } catch {
    return {};
  }
}
