/** The only place where errors become answers: in the words of the dialect that the route speaks. */
import { MatrixError } from '../protocol/matrix-error.ts';
import { OAuthError, toDescription } from '../protocol/oauth-error.ts';
import type { OAuthErrorCode } from '../protocol/oauth-error.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { plainText } from '../texts/catalogue.ts';
import { type Message, message } from '../texts/message.ts';
import type { Language } from '../texts/language.ts';
import { type Dialect, noStore, type Reply, speaksMatrix } from './exchange.ts';
import { RequestFault, SlowBody } from './fault.ts';
import { PageRefusal, type WayOn } from './pages/page-refusal.ts';
import { SeeOther } from './pages/see-other.ts';
import { refusalPage } from './pages/refusal-page.ts';

export interface ErrorContext {
  readonly dialect: Dialect;
  /** What OAuth calls content that does not fit the operation's document: `invalid_request`, or `invalid_client_metadata`. */
  readonly contentError: OAuthErrorCode;
  /** Whether answers of 500 and above must not look like an OAuth or Matrix error, because clients end the session on any such. */
  readonly bareFailures: boolean;
  /** Whether a person is looking (`Accept` names text/html). */
  readonly html: boolean;
  /** In which that person is spoken to. */
  readonly language: Language;
  /** Where a person gets on from a page that does not exist. */
  readonly home: string;
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
  /** What a page tells a person. */
  readonly page: Told;
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of the body, each for the dialect whose error brought them. */
  readonly oauthMembers: Readonly<Record<string, unknown>>;
  readonly matrixMembers: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly severity: Refusal['severity'];
}

interface Told {
  readonly title: Message;
  readonly told: Message;
  /** The text, if it is for whoever wrote the client. */
  readonly details?: string;
  readonly wayOn?: WayOn | undefined;
}

/** Seconds after which a client whose body was too slow may try again. */
const SLOW_RETRY_SECONDS = 1;

/** Turns anything that was thrown into the answer of the dialect. */
export function refuse(error: unknown, context: ErrorContext): Refusal {
  if (error instanceof SeeOther) {
    const headers = { ...noStore, location: error.location };
    return { reply: { status: 303, headers }, reason: error.message, severity: 'refused' };
  }
  const verdict = judge(error, context);
  const { status, headers, reason, severity } = verdict;
  const { body, more } = phrase(verdict, context);
  return { reply: { status, headers: { ...noStore, ...headers, ...more }, body }, reason, severity };
}

function judge(error: unknown, context: ErrorContext): Judged {
  if (error instanceof PageRefusal) return judgePageRefusal(error, context);
  if (error instanceof OAuthError) {
    const { status, description: text, headers, members: oauthMembers, reason, code: oauth } = error;
    const page = { ...unacceptable, details: text };
    const matrix = matrixCode(status);
    return { ...refused, status, oauth, matrix, text, page, headers, oauthMembers, reason };
  }
  if (error instanceof MatrixError) {
    const { status, errcode: matrix, text, headers, members: matrixMembers, reason } = error;
    const page = { ...unacceptable, details: text };
    const oauth = oauthCode(status);
    return { ...refused, status, oauth, matrix, text, page, headers, matrixMembers, reason };
  }
  if (error instanceof RequestFault) return judgeRequestFault(error, context);
  if (error instanceof Unavailable) {
    const { what, retryAfterSeconds, isLasting } = error;
    const text = isLasting ? `${what} is not available` : `${what} is not available, try again later`;
    const verdict = unavailable(text, retryAfterSeconds, `${what} is unavailable`);
    if (!isLasting) return verdict;
    return { ...verdict, page: { ...verdict.page, told: message('refused.unavailable.lasting') } };
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
    page: { title: message('refused.fault.title'), told: message('refused.fault') },
    reason: 'unexpected error',
    severity: 'bug',
  };
}

const refused = { headers: {}, oauthMembers: {}, matrixMembers: {}, severity: 'refused' } as const;

const unacceptable: Told = { title: message('refused.title'), told: message('refused.unacceptable') };

/** What the person is told, and for whoever is not one, the error that the refusal names or that fits its status. */
function judgePageRefusal(error: PageRefusal, context: ErrorContext): Judged {
  const { status, told, title = message('refused.title'), wayOn, reason, wire } = error;
  const verdict = wire === undefined ? undefined : judge(wire, context);
  const page = { title, told, wayOn, ...(verdict === undefined ? {} : { details: verdict.text }) };
  if (verdict !== undefined) return { ...verdict, page, reason };
  const text = plainText('en', told);
  return { ...refused, status, oauth: oauthCode(status), matrix: matrixCode(status), text, page, reason };
}

function judgeRequestFault(error: RequestFault, context: ErrorContext): Judged {
  const { status, errcode: matrix, text, reason, kind } = error;
  const headers = error.closes ? { ...error.headers, connection: 'close' } : error.headers;
  const verdict = { ...refused, status, matrix, text, headers, reason };
  const seconds = Number(headers['retry-after']);
  switch (kind) {
    case 'rate': {
      const page = {
        title: message('refused.rate.title'),
        told: message('refused.rate', { count: seconds }),
      };
      return {
        ...verdict,
        oauth: 'temporarily_unavailable',
        page,
        matrixMembers: { retry_after_ms: seconds * 1000 },
      };
    }
    case 'path': {
      const wayOn = { url: context.home, label: message('refused.path.way-on') };
      const page = { title: message('refused.path.title'), told: message('refused.path'), wayOn };
      return { ...verdict, oauth: 'invalid_request', page };
    }
    case 'method': {
      const page = { title: message('refused.title'), told: message('refused.method') };
      return { ...verdict, oauth: 'invalid_request', page };
    }
    case 'body':
    case 'content':
    case 'transport': {
      const page = { title: message('refused.title'), told: message('refused.unreadable'), details: text };
      return { ...verdict, oauth: kind === 'content' ? context.contentError : 'invalid_request', page };
    }
  }
}

function unavailable(text: string, retryAfterSeconds: number, reason: string): Judged {
  return {
    status: 503,
    oauth: 'temporarily_unavailable',
    matrix: 'M_UNKNOWN',
    text,
    page: {
      title: message('refused.unavailable.title'),
      told: message('refused.unavailable'),
      details: text,
    },
    headers: { 'retry-after': String(retryAfterSeconds) },
    oauthMembers: {},
    matrixMembers: {},
    reason,
    severity: 'unavailable',
  };
}

function matrixCode(status: number): string {
  if (status === 401) return 'M_UNAUTHORIZED';
  if (status === 404) return 'M_NOT_FOUND';
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
    const { body = '', headers } = refusalPage(context.language, {
      ...verdict.page,
      status,
      reference: context.requestId,
    });
    return headers === undefined ? { body } : { body, more: headers };
  }
  if (speaksMatrix(context.dialect))
    return { body: { errcode: verdict.matrix, error: text, ...verdict.matrixMembers } };
  return { body: { error: verdict.oauth, error_description: toDescription(text), ...verdict.oauthMembers } };
}

/** No `error` for an OAuth client, and no JSON at all for a Matrix client: matrix-js-sdk 41 and 42 end the session on them. */
function bare(text: string, dialect: Dialect): ReturnType<typeof phrase> {
  if (dialect === 'matrix') return { body: text, more: { 'content-type': 'text/plain; charset=utf-8' } };
  return { body: { message: text } };
}
