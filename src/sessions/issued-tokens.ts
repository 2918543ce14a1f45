/** Making a pair of tokens: at random for a new session, by derivation on refresh. */
import type { SessionId } from '../protocol/identifiers.ts';
import { createHmac, type KeyObject } from 'node:crypto';
import type { Random } from '../protocol/clock.ts';
import { formatSecret, issueSecret } from '../protocol/token-format.ts';

/** What a client gets. */
export interface IssuedTokens {
  readonly sessionId: SessionId;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Whole seconds left of the access token. */
  readonly expiresInSeconds: number;
  readonly scope: string;
}

/** What a derived token depends on: none of it is secret but the presented token and the key. */
interface Derivation {
  /** The refresh token that the client presented. */
  readonly presented: string;
  readonly sessionId: SessionId;
  /** Generation of the pair that is being issued. */
  readonly generation: number;
  /** Stored with the pair. */
  readonly nonce: string;
}

/**
 * Derives a token by HMAC-SHA-256 under `key`, so that the same refresh token yields the identical successor again (the refresh rule) while
 * nothing readable is stored: who has the database has neither the key nor the presented token.
 */
export function deriveToken(
  key: KeyObject,
  kind: 'accessToken' | 'refreshToken',
  { presented, sessionId, generation, nonce }: Derivation,
): string {
  let text = '';
  for (const part of [kind, presented, sessionId, String(generation), nonce]) {
    text += `${Buffer.byteLength(part)}:${part}`;
  }
  return formatSecret(kind, createHmac('sha256', key).update(text).digest());
}

/** A nonce for one derivation: 128 bits. */
export function newNonce(random: Random): string {
  return random(16).toString('base64url');
}

/** The first pair of a session. */
export function randomPair(random: Random): { accessToken: string; refreshToken: string } {
  return {
    accessToken: issueSecret('accessToken', random),
    refreshToken: issueSecret('refreshToken', random),
  };
}

/** Whole seconds from `now` until `expiresAt`, never negative. */
export function secondsLeft(expiresAt: number, now: number): number {
  return Math.max(0, Math.floor((expiresAt - now) / 1000));
}
