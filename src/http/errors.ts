/** The only place where errors become answers: in the words of the dialect that the route speaks. */
import { MatrixError } from '../protocol/matrix-error.ts';
import { OAuthError, toDescription } from '../protocol/oauth-error.ts';
import type { OAuthErrorCode } from '../protocol/oauth-error.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { type Dialect, noStore, type Reply, speaksMatrix } from './exchange.ts';
import { RequestFault, SlowBody } from './fault.ts';
import { foreign, html, page } from './pages/html.ts';

export interface ErrorContext {
  readonly dialect: Dialect;
  /** What OAuth calls content that does not fit the operation's document: `invalid_request`, or `invalid_client_metadata`. */
  readonly contentError: OAuthErrorCode;
  /** Whether answers of 500 and above must not look like an OAuth or Matrix error, because clients end the session on any such. */
  readonly bareFailures: boolean;
  /** Whether a person is looking (`Accept` names text/html). */
  readonly html: boolean;
  readonly requestId: string;
}

export interface Refusal {
  readonly reply: Reply;
  /** For the log: what exactly happened, no secrets. */
  readonly reason: string;
  /** `refused`: the client's matter. `unavailable`: something that we depend on. `bug`: ours. */
  readonly severity: 'refused' | 'unavailable' | 'bug';
}

/** What a refusal says, before it is put in the words of a dialect. */
interface Judged {
  readonly status: number;
  readonly oauth: OAuthErrorCode;
  readonly matrix: string;
  readonly text: string;
  readonly title: string;
  /** What a page tells a person, where the text is for whoever wrote the client. */
  readonly toPerson?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of a Matrix error. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly severity: Refusal['severity'];
}

/** For a person whose browser sent what cannot be read: it did not write that itself. */
const MALFORMED =
  'Your browser was sent here with a request that cannot be read. Go back to where you came from and start again.';

/** Seconds after which a client whose body was too slow may try again. */
const SLOW_RETRY_SECONDS = 1;

/** Turns anything that was thrown into the answer of the dialect. */
export function refuse(error: unknown, context: ErrorContext): Refusal {
  const verdict = judge(error, context);
  const { status, headers, reason, severity } = verdict;
  const { body, more } = phrase(verdict, context);
  return { reply: { status, headers: { ...noStore, ...headers, ...more }, body }, reason, severity };
}

function judge(error: unknown, context: ErrorContext): Judged {
  if (error instanceof OAuthError) {
    const { status, description: text, headers, reason, toPerson } = error;
    return {
      ...refused,
      status,
      oauth: error.code,
      matrix: matrixCode(status),
      text,
      toPerson,
      headers,
      reason,
    };
  }
  if (error instanceof MatrixError) {
    const { status, errcode: matrix, text, headers, members, reason, toPerson } = error;
    return { ...refused, status, oauth: oauthCode(status), matrix, text, toPerson, headers, members, reason };
  }
  if (error instanceof RequestFault) {
    const { status, errcode: matrix, text, reason, kind } = error;
    const oauth =
      kind === 'content'
        ? context.contentError
        : kind === 'rate'
          ? 'temporarily_unavailable'
          : 'invalid_request';
    const headers = error.closes ? { ...error.headers, connection: 'close' } : error.headers;
    return {
      ...refused,
      status,
      oauth,
      matrix,
      text,
      headers,
      reason,
      ...(kind === 'rate' ? rateMembers(headers) : {}),
      ...(kind === 'body' || kind === 'content' || kind === 'transport' ? { toPerson: MALFORMED } : {}),
    };
  }
  if (error instanceof Unavailable) {
    return unavailable(
      `${error.what} is not available, try again later`,
      error.retryAfterSeconds,
      `${error.what} is unavailable`,
    );
  }
  if (error instanceof SlowBody) {
    const verdict = unavailable(error.message, SLOW_RETRY_SECONDS, error.message);
    return { ...verdict, headers: { ...verdict.headers, connection: 'close' } };
  }
  return {
    ...refused,
    status: 500,
    oauth: 'server_error',
    matrix: 'M_UNKNOWN',
    text: `internal error, reference ${context.requestId}`,
    title: 'Something went wrong',
    reason: 'unexpected error',
    severity: 'bug',
  };
}

const refused = { title: 'This request was refused', headers: {}, members: {}, severity: 'refused' } as const;

function unavailable(text: string, retryAfterSeconds: number, reason: string): Judged {
  return {
    status: 503,
    oauth: 'temporarily_unavailable',
    matrix: 'M_UNKNOWN',
    text,
    title: 'Not available at the moment',
    headers: { 'retry-after': String(retryAfterSeconds) },
    members: {},
    reason,
    severity: 'unavailable',
  };
}

function rateMembers(headers: Readonly<Record<string, string>>): {
  members: Record<string, unknown>;
  title: string;
} {
  const seconds = Number(headers['retry-after']);
  return { members: { retry_after_ms: seconds * 1000 }, title: 'Too many attempts' };
}

function matrixCode(status: number): string {
  if (status === 401) return 'M_UNAUTHORIZED';
  return status === 403 ? 'M_FORBIDDEN' : 'M_UNKNOWN';
}

function oauthCode(status: number): OAuthErrorCode {
  if (status === 401) return 'invalid_token';
  if (status === 403) return 'access_denied';
  return status >= 500 ? 'server_error' : 'invalid_request';
}

function phrase(
  verdict: Judged,
  context: ErrorContext,
): { body: object | string; more?: Readonly<Record<string, string | string[]>> } {
  const { status, text } = verdict;
  if (context.bareFailures && status >= 500) return bare(text, context.dialect);
  if (context.dialect === 'operations') return { body: { message: text } };
  if (context.html && (context.dialect === 'page' || context.dialect === 'matrix-page')) {
    const { body = '', headers } = page({
      title: verdict.title,
      body: html`<p>${foreign(verdict.toPerson ?? sentence(text))}</p>
        ${verdict.toPerson !== undefined && html`<p class="soft">Details: ${foreign(text)}</p>`}
        <p class="soft">Reference: <code>${context.requestId}</code></p>`,
    });
    return headers === undefined ? { body } : { body, more: headers };
  }
  if (speaksMatrix(context.dialect))
    return { body: { errcode: verdict.matrix, error: text, ...verdict.members } };
  return { body: { error: verdict.oauth, error_description: toDescription(text) } };
}

/** No `error` for an OAuth client, and no JSON at all for a Matrix client: matrix-js-sdk 41 and 42 end the session on them. */
function bare(text: string, dialect: Dialect): ReturnType<typeof phrase> {
  if (dialect === 'matrix') return { body: text, more: { 'content-type': 'text/plain; charset=utf-8' } };
  return { body: { message: text } };
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
