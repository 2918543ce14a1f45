/**
 * Login tokens (client-server API, "Token-based"): what a single sign-on gives to a legacy client, which then logs in with it. Each works once,
 * within seconds, for whoever has it; only its hash is stored.
 */
import type { InternalUserId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { Clock, Random } from '../protocol/clock.ts';
import { hashSecret, issueSecret, type SecretHash } from '../protocol/token-format.ts';
import {
  consumeLoginToken,
  findLoginToken,
  insertLoginToken,
  type LoginToken,
} from '../storage/records/login-tokens.ts';
import type { Schema } from '../storage/schema.ts';

/** Whom a login token signs in, and what the IdP said of it: both go into the session. */
export interface LoginTokenOwner {
  readonly userId: InternalUserId;
  /** When the person last proved who they are at the IdP, if it said so. */
  readonly authenticatedAt: number | null;
  /** The IdP's id of its own session, if it said so. */
  readonly upstreamSid: string | null;
}

export interface LoginTokenDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** How long a login token lives, in milliseconds. */
  readonly loginTokenTtl: number;
}

/** A new login token of the person. */
export async function issueLoginToken(
  tx: Kysely<Schema>,
  deps: LoginTokenDeps,
  owner: LoginTokenOwner,
): Promise<string> {
  const token = issueSecret('loginToken', deps.random);
  const now = deps.clock.now();
  await insertLoginToken(tx, {
    hash: hashSecret(token),
    user_id: owner.userId,
    authenticated_at: owner.authenticatedAt,
    upstream_sid: owner.upstreamSid,
    created_at: now,
    expires_at: now + deps.loginTokenTtl,
    consumed_at: null,
  });
  return token;
}

/** Whose a login token is, while it is good; it stays so. */
export async function findLoginTokenOwner(
  db: Kysely<Schema>,
  token: { readonly hash: SecretHash; readonly now: number },
): Promise<LoginTokenOwner | undefined> {
  return ownerOf(await findLoginToken(db, { hash: token.hash, at: token.now }));
}

/**
 * Redeems a login token in the caller's transaction, by one conditional update: of several at once, one wins. `undefined` if it is not known, was
 * redeemed, is too old, or was voided meanwhile (a sign-out at the IdP, a deactivation). Whether the person may be signed in is the caller's to judge.
 */
export async function redeemLoginToken(
  tx: Kysely<Schema>,
  token: { readonly hash: SecretHash; readonly now: number },
): Promise<LoginTokenOwner | undefined> {
  return ownerOf(await consumeLoginToken(tx, { hash: token.hash, at: token.now }));
}

function ownerOf(row: LoginToken | undefined): LoginTokenOwner | undefined {
  if (row === undefined) return undefined;
  return { userId: row.user_id, authenticatedAt: row.authenticated_at, upstreamSid: row.upstream_sid };
}
