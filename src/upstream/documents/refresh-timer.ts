import type { CachedDocument } from './http-cache.ts';

/** A timer of Node is only a hint of when to look: the documents' own clock decides whether one is due. */
const LOOK_AT_LEAST_EVERY_MS = 60_000;
const LOOK_AT_MOST_EVERY_MS = 250;

/**
 * Loads the persisted documents and asks for each whenever it is due, the first at once, until the returned function is called.
 * In order: a later document's place may stand in an earlier one. Keeps no process alive.
 */
export function startRefreshing(
  documents: readonly Pick<CachedDocument<unknown>, 'load' | 'refreshIfDue' | 'dueInMs'>[],
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const turn = async (): Promise<void> => {
    for (const document of documents) {
      if (stopped) return;
      await document.refreshIfDue();
    }
    if (stopped) return;
    const due = Math.min(...documents.map((document) => document.dueInMs()));
    timer = setTimeout(
      () => void turn(),
      Math.min(Math.max(due, LOOK_AT_MOST_EVERY_MS), LOOK_AT_LEAST_EVERY_MS),
    ).unref();
  };

  void Promise.all(documents.map((document) => document.load())).then(turn);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
