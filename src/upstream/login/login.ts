/** A login at the IdP, from its callback to who the person is: OpenID Connect Core §3.1 by the client library, or plain OAuth 2.0. */
import * as oauth from 'oauth4webapi';
import { systemClock, type Clock } from '../../protocol/clock.ts';
import { redeemCode, type RedeemedCode } from './code-exchange.ts';
import { issuerOfCallback } from './id-token.ts';
import type { CallbackInput, LoginDeps } from './login-context.ts';
import { callbackError } from './login-errors.ts';
import { quoteForLog, UpstreamRefusal } from './refusal.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { subjectOf } from './subject.ts';
import { fetchUserinfo } from './userinfo.ts';

/** Who signed in. */
export interface UpstreamIdentity {
  /** With `subject`, the only thing that identifies a person. */
  readonly issuer: string;
  readonly subject: string;
  /** ID token merged with userinfo. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** From `auth_time`, in milliseconds. */
  readonly authenticatedAt?: number;
  /** The IdP's session id, for back-channel logout. */
  readonly sid?: string;
  readonly acr?: string;
  /** For asking again later, if the IdP gave one. A secret: never logged, stored sealed only. */
  readonly refreshToken?: string;
}

/** Protocol members of the ID token: userinfo never replaces them. */
const PROTOCOL_CLAIMS = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'azp',
  'auth_time',
  'acr',
  'amr',
  'sid',
  'at_hash',
  'c_hash',
  'jti',
];

/** Throws {@link UpstreamRefusal} if the IdP or its answer says no, Unavailable if it cannot be asked. */
export async function finishLogin(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  input: CallbackInput,
): Promise<UpstreamIdentity> {
  const client = clientOf(deps.settings, deps.clock);
  const callback = readCallback(deps.settings, server, client, input);
  const redeemed = await redeemCode(deps, server, client, callback, input);
  const userinfo = await fetchUserinfo(deps, server, client, redeemed);
  return identityOf(deps, redeemed, userinfo);
}

/** Our client as the library knows it. */
export function clientOf(settings: ResolvedSettings, clock: Clock): oauth.Client {
  return {
    client_id: settings.clientId,
    // The library reads the global clock: this is how far ours is from it.
    [oauth.clockSkew]: Math.round((clock.now() - systemClock.now()) / 1000),
    [oauth.clockTolerance]: settings.clockTolerance,
  };
}

/** Checks that no parameter comes twice (RFC 6749 §3.1), `state` and RFC 9207's `iss`, and that it is not an error. */
function readCallback(
  settings: ResolvedSettings,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  input: CallbackInput,
): URLSearchParams {
  try {
    const names = [...input.parameters.keys()];
    if (new Set(names).size < names.length) throw new UpstreamRefusal('callback', 'a parameter comes twice');
    const issuer = issuerOfCallback(server, settings, input.parameters.get('iss'));
    const stated = input.parameters.get('iss');
    if (stated !== null && stated !== issuer) {
      const values = `"${quoteForLog(stated)}", expected "${issuer}"`;
      throw new UpstreamRefusal('callback', `iss is ${values}`);
    }
    const callback = oauth.validateAuthResponse(
      { ...server, issuer },
      client,
      input.parameters,
      input.expectedState,
    );
    if ((callback.get('code') ?? '') === '')
      throw new UpstreamRefusal('callback', 'there is neither a code nor an error');
    return callback;
  } catch (error) {
    throw error instanceof UpstreamRefusal ? error : callbackError(error);
  }
}

/** Who it is, by what the IdP said in both places. */
export function identityOf(
  deps: LoginDeps,
  redeemed: RedeemedCode,
  userinfo: Record<string, unknown> | undefined,
): UpstreamIdentity {
  const { settings, clock } = deps;
  const claims = mergeClaims(redeemed.idToken, userinfo);
  const { auth_time: authTime, sid, acr } = claims;
  return {
    issuer: redeemed.issuer,
    subject: subjectOf(settings, claims),
    claims,
    ...(redeemed.refreshToken === undefined ? {} : { refreshToken: redeemed.refreshToken }),
    // A time to come says nothing: who believed it would take the person for freshly authenticated.
    ...(typeof authTime === 'number' &&
    authTime > 0 &&
    authTime <= clock.now() / 1000 + settings.clockTolerance
      ? { authenticatedAt: Math.min(authTime * 1000, clock.now()) }
      : {}),
    ...(typeof sid === 'string' && sid !== '' ? { sid } : {}),
    ...(typeof acr === 'string' && acr !== '' ? { acr } : {}),
  };
}

/** ID token and userinfo; the protocol's own members are the ID token's, and an empty text hides no value. */
export function mergeClaims(
  idToken: RedeemedCode['idToken'],
  userinfo: Record<string, unknown> | undefined,
): Record<string, unknown> {
  const claims: Record<string, unknown> = { ...idToken };
  for (const [name, value] of Object.entries(userinfo ?? {})) {
    if (value !== '' || claims[name] === undefined) claims[name] = value;
  }
  for (const name of PROTOCOL_CLAIMS) {
    if (idToken !== undefined && Object.hasOwn(idToken, name)) claims[name] = idToken[name];
  }
  return claims;
}
