/** LISTEN on a connection of its own, past PgBouncer; made again when it is lost. Without it the watcher polls, which is enough. */
import pg from 'pg';
import type { StorageLog } from './database.ts';

export interface PostgresListener {
  /** Calls `listener` on each notification, and after each (re)connection, since what came in between was not heard. */
  onHint(listener: () => void): () => void;
  close(): Promise<void>;
}

const RECONNECT_AFTER_MS = 1000;

export function startPostgresListener(options: {
  url: string;
  channel: string;
  log: StorageLog | undefined;
}): PostgresListener {
  const { url, channel, log } = options;
  const listeners = new Set<() => void>();
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let connecting: Promise<void> = Promise.resolve();

  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
      application_name: 'gatehouse listener',
    });
    let lost = false;
    const lose = (error?: Error): void => {
      if (lost || closed) return;
      lost = true;
      client = undefined;
      log?.warn({ err: error }, 'notifications of PostgreSQL are interrupted: changes are polled meanwhile');
      next.end().catch(() => undefined);
      timer = setTimeout(reconnect, RECONNECT_AFTER_MS);
      timer.unref();
    };
    next.on('error', lose);
    next.on('end', () => {
      lose();
    });
    next.on('notification', tell);
    try {
      await next.connect();
      await next.query(`listen ${channel}`);
      client = next;
      tell();
    } catch (error) {
      lose(error as Error);
    }
  };
  const reconnect = (): void => {
    connecting = connect();
  };
  reconnect();

  return {
    onHint(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await connecting;
      await client?.end().catch(() => undefined);
    },
  };
}
