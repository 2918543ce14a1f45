/**
 * Refresh as the refresh rule (docs/session-model.md) tells it, in the smallest words: no database, no hashes, no transactions. The real thing is held against it
 * step by step. One session at a time; a pair is known by its refresh token.
 */

/** A pair that was issued. */
export interface Pair {
  readonly refresh: string;
  access: string;
  accessExpiresAt: number;
  readonly parent: Pair | undefined;
  readonly children: Pair[];
  /** When its access or its refresh token was first used. */
  usedAt: number | undefined;
  /** Another pair of the same predecessor was used first. */
  lost: boolean;
}

export interface Issued {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What presenting a refresh token must lead to. */
export type Expected = 'rotated' | 'retried' | 'renewed' | 'graced' | 'replayed' | 'ended';

export interface SessionModel {
  readonly pairs: readonly Pair[];
  live: boolean;
  /** Judges, and notes what the judgement itself changes: a rotation is a use, a replay ends the session. */
  present(pair: Pair, now: number): Expected;
  /** Notes what was issued for `pair`, after {@link present}. */
  issue(pair: Pair, how: Expected, tokens: Issued, now: number): Pair;
  /** Whether an access token must be good; if so, notes its use. */
  use(pair: Pair, access: string, now: number): boolean;
}

export function sessionModel(
  first: Issued,
  rules: { ttl: number; grace: number; now: number },
): SessionModel {
  const pairs: Pair[] = [];
  /** Every access token with its end: one that was issued keeps its life. */
  const expiry = new Map<string, number>();
  const add = (parent: Pair | undefined, tokens: Issued, now: number): Pair => {
    const pair: Pair = {
      refresh: tokens.refreshToken,
      access: tokens.accessToken,
      accessExpiresAt: now + rules.ttl,
      parent,
      children: [],
      usedAt: undefined,
      lost: false,
    };
    parent?.children.push(pair);
    pairs.push(pair);
    expiry.set(pair.access, pair.accessExpiresAt);
    return pair;
  };
  const markUsed = (pair: Pair, now: number): void => {
    if (pair.usedAt !== undefined) return;
    pair.usedAt = now;
    for (const sibling of pair.parent?.children ?? []) if (sibling !== pair) sibling.lost = true;
  };
  const model: SessionModel = {
    pairs,
    live: true,
    present(pair, now) {
      if (!model.live) return 'ended';
      const end = (): Expected => {
        model.live = false;
        return 'replayed';
      };
      if (pair.lost) return end();
      if (pair.children.length === 0) {
        markUsed(pair, now);
        return 'rotated';
      }
      const used = pair.children.find((child) => child.usedAt !== undefined);
      if (used?.usedAt !== undefined) {
        const late = rules.grace === 0 || now > used.usedAt + rules.grace;
        return late || used.children.some((child) => child.usedAt !== undefined) ? end() : 'graced';
      }
      const last = pair.children.at(-1);
      return last !== undefined && last.accessExpiresAt > now ? 'retried' : 'renewed';
    },
    issue(pair, how, tokens, now) {
      if (how === 'rotated' || how === 'renewed') return add(pair, tokens, now);
      const same = pair.children.find((child) => child.refresh === tokens.refreshToken);
      if (same === undefined) throw new Error('a repeated refresh began another lineage');
      if (same.access !== tokens.accessToken) {
        same.access = tokens.accessToken;
        same.accessExpiresAt = now + rules.ttl;
        expiry.set(same.access, same.accessExpiresAt);
      }
      return same;
    },
    use(pair, access, now) {
      if (!model.live || pair.lost || (expiry.get(access) ?? 0) <= now) return false;
      markUsed(pair, now);
      return true;
    },
  };
  add(undefined, first, rules.now);
  return model;
}

/** How many lineages of a session are alive and in use: pairs that were used and can go on. */
export function lineagesInUse({ live, pairs }: SessionModel): number {
  if (!live) return 0;
  return pairs.filter(
    (pair) =>
      pair.usedAt !== undefined && !pair.lost && pair.children.every((child) => child.usedAt === undefined),
  ).length;
}
