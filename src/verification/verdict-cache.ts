/**
 * Recent verdicts. A cache is a hint: it is bounded, never outlives the token, and forgets at once what was revoked here.
 *
 * The key is a hash of the whole token, and each provider has a cache of its own, so two people cannot share an entry (CVE-2025-30189). What a caller
 * requires of a token is judged on the verdict at each question and never kept, so an answer to one scope is none to another (CVE-2021-32701).
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../protocol/clock.ts';
import { hashSecret, type SecretHash } from '../protocol/token-format.ts';
import type { CacheSettings } from './settings.ts';
import type { Verdict, VerifiedToken } from './verdict.ts';

export type CacheOutcome = 'hit' | 'miss' | 'shared';

export interface VerdictCache {
  /** The verdict on a token: the one that is held, the one that is being asked for, or a new one. */
  judge(token: string, ask: () => Promise<Verdict>): Promise<Verdict>;
  /** Forgets a token. */
  forget(token: string): void;
  /** Forgets every token of which this holds. */
  forgetAll(concerns: (token: VerifiedToken) => boolean): void;
}

interface Entry {
  readonly verdict: Verdict;
  /** Monotonic time from which it does not count. */
  readonly until: number;
}

/** Empty at first. An outage is never kept, but everybody who asks at the same time gets the one answer. */
export function createVerdictCache(options: {
  readonly settings: CacheSettings;
  readonly clock: Clock;
  readonly onOutcome?: ((outcome: CacheOutcome) => void) | undefined;
}): VerdictCache {
  const { settings, clock, onOutcome } = options;
  const { entries = 10_000, seconds = 60, negative_seconds: negativeSeconds = 5 } = settings;
  const held = entries === 0 ? undefined : new LRUCache<SecretHash, Entry>({ max: entries });
  const asking = new Map<SecretHash, Promise<Verdict>>();
  /** How often something was forgotten: an answer that was asked for before that is not kept. */
  let forgotten = 0;

  const lookUp = (hash: SecretHash): Verdict | undefined => {
    const entry = held?.get(hash);
    if (entry === undefined || entry.until <= clock.monotonic()) return undefined;
    return hasExpired(entry.verdict, clock) ? undefined : entry.verdict;
  };

  const keep = (hash: SecretHash, verdict: Verdict): void => {
    const life = verdict.kind === 'active' ? seconds : verdict.kind === 'inactive' ? negativeSeconds : 0;
    if (life > 0) held?.set(hash, { verdict, until: clock.monotonic() + life * 1000 });
  };

  const askOnce = async (hash: SecretHash, ask: () => Promise<Verdict>): Promise<Verdict> => {
    const before = forgotten;
    try {
      const verdict = await ask();
      if (before === forgotten) keep(hash, verdict);
      return verdict;
    } finally {
      // After something was forgotten, another question may be under way in its place.
      if (before === forgotten) asking.delete(hash);
    }
  };

  return {
    judge(token, ask) {
      const hash = hashSecret(token);
      const known = lookUp(hash);
      if (known !== undefined) {
        onOutcome?.('hit');
        return Promise.resolve(known);
      }
      const shared = asking.get(hash);
      onOutcome?.(shared === undefined ? 'miss' : 'shared');
      if (shared !== undefined) return shared;
      const answer = askOnce(hash, ask);
      asking.set(hash, answer);
      return answer;
    },
    forget(token) {
      const hash = hashSecret(token);
      forgotten++;
      held?.delete(hash);
      asking.clear();
    },
    forgetAll(concerns) {
      forgotten++;
      asking.clear();
      if (held === undefined) return;
      for (const [hash, { verdict }] of held.entries()) {
        if (verdict.kind === 'active' && concerns(verdict.token)) held.delete(hash);
      }
    },
  };
}

/** By the wall clock, as the token says it. */
function hasExpired(verdict: Verdict, clock: Clock): boolean {
  if (verdict.kind !== 'active') return false;
  const { expiresAt } = verdict.token;
  return expiresAt !== undefined && expiresAt <= clock.now();
}
