/** One line on a terminal that says what is going on, and is gone when it is over. */
import type { WriteStream } from 'node:tty';

export interface Progress {
  /** Names may be under way at the same time. */
  readonly update: (name: string, state: 'begun' | 'ended') => void;
  /** Takes the line away. */
  readonly clear: () => void;
}

/** Writes nothing before the first update. */
export function showProgress(terminal: Pick<WriteStream, 'write' | 'columns'>): Progress {
  const underWay = new Set<string>();
  let done = 0;
  let shown = false;
  const clear = (): void => {
    if (shown) terminal.write('\r\u001B[K');
    shown = false;
  };
  return {
    update(name, state) {
      if (state === 'begun') underWay.add(name);
      else if (underWay.delete(name)) done++;
      clear();
      if (underWay.size === 0) return;
      const text = `asking (${done} done): ${[...underWay].join(', ')}`;
      terminal.write(text.slice(0, (terminal.columns || 80) - 1));
      shown = true;
    },
    clear,
  };
}
