/**
 * User-interactive authentication: a person proves at the IdP that it is still them before something is done with their session. A request without
 * proof is kept (what it is, by a hash; whose it is) and answered 401 with the one flow that there is; the fallback page sends the person through
 * the IdP; the same request is then done, once. Owns `ui_auth_sessions`.
 */
import { type ApiRequest, noStore, type Reply } from '../../http/exchange.ts';
import type { Clock, Random } from '../../protocol/clock.ts';
import { MatrixError, type MatrixErrorCode } from '../../protocol/matrix-error.ts';
import { hashSecret, isWellFormedSecret, issueSecret, type SecretHash } from '../../protocol/token-format.ts';
import type { Database } from '../../storage/engine/database.ts';
import {
  findUiAuthSession,
  insertUiAuthSession,
  isOfAnother,
  type WaitingRequest,
  type WhatIsAsked,
} from '../../storage/records/user-interactive.ts';
import type { UserAccess } from '../access-token.ts';
import { writeSummary } from './summary.ts';

/** The stage that a person proves themselves by. */
export const SSO_STAGE = 'm.login.sso';

/** How long a person may take from the first request to the last, in milliseconds. */
const LIFETIME = 15 * 60_000;

/** `auth` of a request's body. */
export interface AuthData {
  readonly type?: string;
  readonly session?: string;
}

export interface GuardedBody {
  readonly auth?: AuthData | null;
}

export type Proof =
  /** Not yet: this is the answer. */
  | { readonly kind: 'asked'; readonly reply: Reply<Challenge> }
  /** It is them. Whoever does what was asked for consumes the proof in the same transaction. */
  | { readonly kind: 'proven'; readonly hash: SecretHash }
  /** It was done with this very proof before: an answer was lost. */
  | { readonly kind: 'done' };

/** The 401 of the specification. `errcode` and `error` are there only if an attempt failed: clients show them as a failure. */
export interface Challenge {
  readonly flows: { readonly stages: string[] }[];
  readonly params: Record<string, never>;
  readonly session: string;
  readonly completed: string[];
  readonly errcode?: MatrixErrorCode;
  readonly error?: string;
}

interface ProveDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Whether the person has proved themselves for exactly this request: the same operation, path parameters and body, with a token of the same
 * session. `summarise` tells the person what is about to be done. Throws 403 if the proof is for another request, and while the person at the
 * fallback page is somebody else.
 */
export async function proveUser(
  deps: ProveDeps,
  guarded: {
    readonly request: ApiRequest<GuardedBody | undefined>;
    readonly access: UserAccess;
    readonly summarise: () => Promise<WhatIsAsked>;
  },
): Promise<Proof> {
  const { request, access } = guarded;
  const auth = request.body?.auth ?? {};
  if (auth.session === undefined) return ask(deps, guarded, auth.type === undefined ? {} : failure(auth));
  const waiting = await findWaiting(deps, auth.session);
  if (waiting === undefined) {
    return ask(deps, guarded, {
      errcode: 'M_UNKNOWN',
      error: 'The authentication session is not known, or too old',
    });
  }
  if (waiting.session_id !== access.sessionId || waiting.request_hash !== hashRequest(request)) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'The request has changed since its authentication began');
  }
  if (waiting.consumed_at !== null) {
    await deps.db.durable();
    return { kind: 'done' };
  }
  if (waiting.completed_at !== null) return { kind: 'proven', hash: waiting.hash };
  if (await isOfAnother(deps.db.query, { hash: waiting.hash, userId: waiting.user_id })) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'Somebody else than the user of this session signed in');
  }
  return { kind: 'asked', reply: challenge(auth.session, failure(auth)) };
}

/** The request that waits under this name, whether its person has been there or not; `undefined` if it is too old. */
export async function findWaiting(
  deps: Pick<ProveDeps, 'db' | 'clock'>,
  session: string,
): Promise<WaitingRequest | undefined> {
  if (!isWellFormedSecret('userInteractive', session)) return undefined;
  const waiting = await findUiAuthSession(deps.db.query, hashSecret(session));
  return waiting !== undefined && waiting.expires_at > deps.clock.now() ? waiting : undefined;
}

async function ask(
  deps: ProveDeps,
  guarded: Parameters<typeof proveUser>[1],
  failed: Pick<Challenge, 'errcode' | 'error'>,
): Promise<Proof> {
  const now = deps.clock.now();
  const session = issueSecret('userInteractive', deps.random);
  const summary_json = writeSummary(await guarded.summarise());
  await deps.db.write((tx) =>
    insertUiAuthSession(tx, {
      hash: hashSecret(session),
      session_id: guarded.access.sessionId,
      request_hash: hashRequest(guarded.request),
      summary_json,
      created_at: now,
      expires_at: now + LIFETIME,
      completed_at: null,
      consumed_at: null,
    }),
  );
  return { kind: 'asked', reply: challenge(session, failed) };
}

/** A type that was not offered is a failed attempt; the stage that was offered is completed elsewhere. */
function failure({ type = SSO_STAGE }: AuthData): Pick<Challenge, 'errcode' | 'error'> {
  if (type === SSO_STAGE) return {};
  return { errcode: 'M_UNRECOGNIZED', error: 'This authentication type is not offered' };
}

function challenge(session: string, failed: Pick<Challenge, 'errcode' | 'error'>): Reply<Challenge> {
  return {
    status: 401,
    headers: noStore,
    body: { flows: [{ stages: [SSO_STAGE] }], params: {}, session, completed: [], ...failed },
  };
}

/** Of the operation, whichever version of the path it came by, and everything that it is told but `auth`. */
function hashRequest({ operationId, params, body = {} }: ApiRequest<object | undefined>): string {
  const { auth: _, ...rest } = body as { auth?: unknown };
  return hashSecret(JSON.stringify([operationId, sorted(params), sorted(rest)]));
}

/** The same value with the members of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}
