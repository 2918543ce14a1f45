/**
 * The parameters of an authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core section 3.1.2.1), judged in the order in which a refusal may
 * be told: client and redirect URI first, since without them nobody can be told but the person.
 */
import type { DeviceId } from '../protocol/identifiers.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { OAuthErrorCode } from '../protocol/oauth-error.ts';
import { askableScopes, type OperatorScopes } from '../protocol/operator-scope.ts';
import { judgeLoginScope } from '../protocol/scope.ts';
import { message } from '../texts/message.ts';
import type { Client } from '../clients/clients.ts';
import { matchesRegistered } from '../clients/redirect-uri.ts';

export const responseModes = ['query', 'fragment', 'form_post'] as const;
export type ResponseMode = (typeof responseModes)[number];

/** Where, and how, the client wants its answer. */
export interface ResponseTarget {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state: string | null;
}

/** A request that can be carried out. */
export interface AuthorizationParameters {
  readonly scope: string;
  /** Null if nothing of Matrix is asked for. */
  readonly deviceId: DeviceId | null;
  readonly codeChallenge: string;
  readonly nonce: string | null;
  /** What the IdP is asked for: `login`, `create`, `consent`, `select_account`, space-separated. */
  readonly prompt: string | null;
  readonly maxAgeSeconds: number | null;
  readonly loginHint: string | null;
  readonly acrValues: string | null;
}

/** The most bytes of a request, names and values: it is kept until the person has signed in. */
const REQUEST_LIMIT = 8192;
const TEXT_LIMIT = 2048;
const PROMPTS = ['login', 'create', 'consent', 'select_account'];

/** All that is read of a request; the others are ignored (RFC 6749 section 3.1), and never kept. */
export const keptParameters: ReadonlySet<string> = new Set([
  'acr_values',
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'idp_hint',
  'login_hint',
  'max_age',
  'nonce',
  'prompt',
  'redirect_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
]);

/** Parameters as sent; the first value of each name, and the names that came twice. */
export interface RawParameters {
  readonly values: ReadonlyMap<string, string>;
  readonly duplicated: readonly string[];
}

/** Reads the query or the form of an authorization request; nothing is judged yet. */
export function readParameters(query: Iterable<[string, string]>): RawParameters {
  const values = new Map<string, string>();
  const duplicated: string[] = [];
  for (const [name, value] of query) {
    if (values.has(name)) duplicated.push(name);
    // RFC 6749 section 3.1: a parameter without a value counts as left out; an empty state is echoed all the same.
    else if (value !== '' || name === 'state') values.set(name, value);
  }
  return { values, duplicated };
}

/** The client id to look up. Throws what only a page can say. */
export function readClientId({ values, duplicated }: RawParameters): string {
  if (duplicated.includes('client_id')) throw untellable('client_id is given twice');
  const clientId = values.get('client_id');
  if (clientId === undefined) throw untellable('client_id is missing');
  return clientId;
}

/** Where the answer goes. Throws what only a page can say: nothing is ever sent to a URI that is not registered. */
export function readTarget(raw: RawParameters, client: Client): ResponseTarget {
  const { values, duplicated } = raw;
  if (bytesOf(values) > REQUEST_LIMIT) {
    throw untellable(`the parameters have more than ${REQUEST_LIMIT} bytes in all`);
  }
  if (duplicated.includes('redirect_uri')) throw untellable('redirect_uri is given twice');
  const redirectUri = values.get('redirect_uri');
  if (redirectUri === undefined) throw untellable('redirect_uri is missing');
  const { redirect_uris: registered, application_type: applicationType } = client.metadata;
  if (!matchesRegistered(redirectUri, registered, applicationType)) {
    throw untellable('redirect_uri is not one that the client has registered');
  }
  const state = duplicated.includes('state') ? null : (values.get('state') ?? null);
  return { redirectUri, responseMode: usableResponseMode(raw, redirectUri) ?? 'query', state };
}

function bytesOf(values: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const parameter of values) bytes += Buffer.byteLength(parameter.join(''));
  return bytes;
}

/** The default for code is `query`. A form can be posted over HTTP only, not to the scheme of an app. */
function usableResponseMode({ values }: RawParameters, redirectUri: string): ResponseMode | undefined {
  const wanted = values.get('response_mode') ?? 'query';
  if (wanted === 'form_post' && !/^https?:/.test(redirectUri)) return undefined;
  return responseModes.find((mode) => mode === wanted);
}

/** Everything else. Throws what the client is told by redirect. */
export function judgeParameters(
  raw: RawParameters,
  client: Client,
  scopes: OperatorScopes,
): AuthorizationParameters {
  const { values, duplicated } = raw;
  const [twice] = duplicated;
  if (twice !== undefined) refuse('invalid_request', `${knownName(twice)} is given twice`);
  if (values.has('request')) refuse('request_not_supported', 'the request parameter is not supported');
  if (values.has('request_uri'))
    refuse('request_uri_not_supported', 'the request_uri parameter is not supported');
  if (values.has('registration'))
    refuse('registration_not_supported', 'the registration parameter is not supported');
  const responseType = values.get('response_type');
  if (responseType === undefined) refuse('invalid_request', 'response_type is missing');
  if (responseType !== 'code') refuse('unsupported_response_type', 'response_type must be code');
  if (!client.metadata.grant_types.includes('authorization_code')) {
    refuse('unauthorized_client', 'the client is not registered for the authorization_code grant');
  }
  if (usableResponseMode(raw, values.get('redirect_uri') ?? '') === undefined) {
    refuse(
      'invalid_request',
      'response_mode must be query or fragment, or form_post for a redirect URI of http or https',
    );
  }
  const scope = judgeLoginScope(values.get('scope') ?? '', askableScopes(scopes, client.operator?.scopes));
  if (!scope.ok) refuse('invalid_scope', scope.fault);
  return {
    scope: scope.scope.granted.join(' '),
    deviceId: scope.scope.deviceId,
    codeChallenge: judgeChallenge(values),
    prompt: judgePrompt(values.get('prompt')),
    maxAgeSeconds: judgeMaxAge(values.get('max_age')),
    nonce: shortText(values, 'nonce'),
    loginHint: shortText(values, 'login_hint'),
    acrValues: shortText(values, 'acr_values'),
  };
}

/** PKCE is required, S256 the only method (RFC 9700 section 2.1.1; Matrix specification). */
function judgeChallenge(values: ReadonlyMap<string, string>): string {
  const challenge = values.get('code_challenge');
  if (challenge === undefined)
    return refuse('invalid_request', 'code_challenge is missing: PKCE is required');
  if (values.get('code_challenge_method') !== 'S256') {
    refuse('invalid_request', 'code_challenge_method must be S256');
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    refuse('invalid_request', 'code_challenge must be 43 characters of base64url');
  }
  return challenge;
}

/** Gatehouse has no single sign-on of its own that could be silent, so `none` always ends in `login_required` (OpenID Connect Core section 3.1.2.6). */
function judgePrompt(prompt: string | undefined): string | null {
  const values = [...new Set(prompt?.split(' ').filter((value) => value !== ''))];
  if (values.includes('none')) {
    if (values.length > 1) refuse('invalid_request', 'prompt=none cannot be combined with another prompt');
    refuse('login_required', 'the person has to sign in at the identity provider');
  }
  if (!values.every((value) => PROMPTS.includes(value))) {
    refuse('invalid_request', `prompt must be none, or some of ${PROMPTS.join(', ')}`);
  }
  return values.length === 0 ? null : values.join(' ');
}

function judgeMaxAge(maxAge: string | undefined): number | null {
  if (maxAge === undefined) return null;
  if (!/^\d{1,9}$/.test(maxAge)) refuse('invalid_request', 'max_age must be a whole number of seconds');
  return Number(maxAge);
}

function shortText(values: ReadonlyMap<string, string>, name: string): string | null {
  const value = values.get(name);
  if (value !== undefined && value.length > TEXT_LIMIT) {
    refuse('invalid_request', `${name} is longer than ${TEXT_LIMIT} characters`);
  }
  return value ?? null;
}

/**
 * `mxid:@user:server` (MSC4198) is nothing to an IdP: it gets the localpart, or no hint for a user of another server. Any other hint is passed on.
 */
export function hintForIdp(hint: string | null, serverName: string): string | null {
  if (hint?.startsWith('mxid:') !== true) return hint;
  const match = /^@([^:]+):(.+)$/s.exec(hint.slice('mxid:'.length));
  return match?.[2] === serverName ? (match[1] ?? null) : null;
}

function knownName(name: string): string {
  return /^[a-z_]{1,40}$/.test(name) ? name : 'a parameter';
}

/** A refusal that the client cannot be told by redirect: the person who sees it can only go back to the app. */
export function untellable(description: string, code: OAuthErrorCode = 'invalid_request'): PageRefusal {
  return new PageRefusal(message('refused.unacceptable'), { wire: new OAuthError(code, description) });
}

function refuse(code: OAuthErrorCode, description: string): never {
  throw new OAuthError(code, description);
}
