import type { CachedDocument } from './http-cache.ts';

/** A document that the configuration gives: always there, never fetched. */
export function createConstantDocument<T>(value: T): CachedDocument<T> {
  const done = (): Promise<void> => Promise.resolve();
  return {
    get: () => Promise.resolve(value),
    peek: () => value,
    refresh: done,
    refreshIfDue: done,
    isRefreshing: () => false,
    load: done,
    invalidate: () => undefined,
    dueInMs: () => Number.POSITIVE_INFINITY,
    outward: () => undefined,
    state: () => ({
      state: 'fresh',
      ageMs: 0,
      lastGoodAt: undefined,
      lastAttemptAt: undefined,
      lastError: undefined,
      failures: 0,
      fetches: { changed: 0, unchanged: 0, notModified: 0, failed: 0, failedBy: {} },
    }),
  };
}
