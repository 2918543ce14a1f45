/** What the client library and the network throw during a login, as refusals (exact for the log) or Unavailable. */
import * as oauth from 'oauth4webapi';
import { Unavailable } from '../../protocol/unavailable.ts';
import { OutboundFault } from '../../outbound/outbound-fault.ts';
import { quoteForLog, UpstreamRefusal, type RefusalKind } from './refusal.ts';

/** What a page calls it. */
export const IDENTITY_PROVIDER = 'the identity provider';

const BUSY = new Set(['server_error', 'temporarily_unavailable', 'slow_down']);
const NOT_SIGNED_IN = new Set([
  'login_required',
  'interaction_required',
  'account_selection_required',
  'consent_required',
]);
const OUR_FAULT = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_request',
  'invalid_scope',
]);

/** For what checking the callback's parameters throws. */
export function callbackError(error: unknown): Error {
  if (!(error instanceof oauth.AuthorizationResponseError)) return translate(error, 'callback');
  const { code, text } = idpWords(error.error, error.error_description);
  if (BUSY.has(error.error)) return unavailable(`the IdP answered the browser with ${text}`);
  const kind =
    error.error === 'access_denied'
      ? 'denied'
      : NOT_SIGNED_IN.has(error.error)
        ? 'login_required'
        : 'authorization_error';
  return new UpstreamRefusal(kind, `the IdP answered ${text}`, { idpError: code });
}

/** For what the code exchange throws. The code is spent either way: it is never sent twice. */
export function tokenError(error: unknown): Error {
  if (!(error instanceof oauth.ResponseBodyError)) {
    const aboutIdToken =
      error instanceof oauth.OperationProcessingError && /JWT|ID Token|id_token/.test(error.message);
    return translate(error, aboutIdToken ? 'id_token' : 'token_response');
  }
  const { code, text } = idpWords(error.error, error.error_description);
  if (BUSY.has(error.error)) return unavailable(`the token endpoint answered ${text}`);
  const kind =
    error.error === 'invalid_grant' ? 'code' : OUR_FAULT.has(error.error) ? 'client' : 'token_response';
  return new UpstreamRefusal(kind, `the token endpoint answered ${text}`, { idpError: code });
}

/** For what asking userinfo throws. */
export function userinfoError(error: unknown): Error {
  return translate(error, 'userinfo');
}

/** Unavailable with a cause for the log. */
export function unavailable(reason: string | Error, retryAfterSeconds?: number): Unavailable {
  return new Unavailable(IDENTITY_PROVIDER, {
    cause: typeof reason === 'string' ? new Error(reason) : reason,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    isLasting: reason instanceof OutboundFault && reason.isLasting,
  });
}

function translate(error: unknown, kind: RefusalKind): Error {
  if (error instanceof OutboundFault) {
    const senseless = error.kind === 'too_large' || error.kind === 'encoding';
    return senseless ? new UpstreamRefusal(kind, error.message) : unavailable(error, error.retryAfterSeconds);
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    return new UpstreamRefusal(kind, error.message + detail(error.cause));
  }
  return error instanceof Error ? error : new Error('a non-error was thrown', { cause: error });
}

/** The library's cause holds whole token bodies: only claims that are no secret are quoted. */
function detail(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return '';
  const { claim, claims, expected, now, header } = cause as Record<string, unknown>;
  if (typeof header === 'object' && header !== null && 'alg' in header) {
    return `: alg is ${show(header.alg, 40)}, allowed are ${show(expected, 120)}`;
  }
  if (typeof claim !== 'string' || typeof claims !== 'object' || claims === null) return '';
  const value = show((claims as Record<string, unknown>)[claim], 200);
  if (claim === 'aud' && expected === undefined) {
    return `: aud is ${value}, several audiences, and there is no azp that names this client`;
  }
  if (claim === 'iss' || claim === 'aud' || claim === 'azp') {
    return `: ${claim} is ${value}, expected ${show(expected, 200)}`;
  }
  return typeof now === 'number' ? `: ${claim} is ${value}, our clock says ${now}` : '';
}

function show(value: unknown, limit: number): string {
  return value === undefined ? 'absent' : quoteForLog(JSON.stringify(value), limit);
}

function idpWords(error: string, description: string | undefined): { code: string; text: string } {
  const code = quoteForLog(error, 100);
  const more = description === undefined || description === '' ? '' : ` (${quoteForLog(description)})`;
  return { code, text: code + more };
}
