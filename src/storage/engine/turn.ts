/** A first come, first served turn at something that one may use at a time. */
export interface Turn {
  /** Waits for the turn; the function returned gives it back. Rejects with `onTimeout()` after `limitMs` in the queue. */
  take(): Promise<() => void>;
}

export function createTurn(options: { limitMs: number; onTimeout: () => Error }): Turn {
  const queue: { grant: () => void }[] = [];
  let taken = false;
  const give = (): void => {
    const next = queue.shift();
    if (next === undefined) taken = false;
    else next.grant();
  };
  const releaseOnce = (): (() => void) => {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      give();
    };
  };
  return {
    take() {
      if (!taken) {
        taken = true;
        return Promise.resolve(releaseOnce());
      }
      return new Promise((resolve, reject) => {
        const entry = {
          grant: () => {
            clearTimeout(timer);
            resolve(releaseOnce());
          },
        };
        const timer = setTimeout(() => {
          const place = queue.indexOf(entry);
          if (place >= 0) queue.splice(place, 1);
          reject(options.onTimeout());
        }, options.limitMs);
        queue.push(entry);
      });
    },
  };
}
