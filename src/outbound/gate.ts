import { OutboundFault } from './outbound-fault.ts';

/** Bounds how much is under way at once. */
export interface Gate {
  /** Resolves with the function that leaves again. Throws {@link OutboundFault} `overload` if the queue is full, or the signal's reason. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** At most `limit` inside and `queueLimit` waiting; served in the order of arrival. */
export function createGate(limit: number, queueLimit: number): Gate {
  let inside = 0;
  const queue = new Set<() => void>();

  const leave = (): void => {
    const [next] = queue;
    if (next === undefined) inside--;
    else {
      queue.delete(next);
      next();
    }
  };
  const once = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      leave();
    };
  };

  return {
    enter(signal) {
      if (inside < limit) {
        inside++;
        return Promise.resolve(once());
      }
      if (queue.size >= queueLimit) {
        return Promise.reject(
          new OutboundFault('overload', `${limit} requests are under way and ${queueLimit} wait already`),
        );
      }
      return new Promise((resolve, reject) => {
        const admit = (): void => {
          signal.removeEventListener('abort', abandon);
          resolve(once());
        };
        const abandon = (): void => {
          queue.delete(admit);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', abandon, { once: true });
        queue.add(admit);
      });
    },
  };
}
