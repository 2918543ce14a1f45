/** Clients that refresh without end while the service is killed under them, and the book of what they were promised. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { postForm } from './oauth-client.ts';

/** What one client holds. */
interface Entry {
  refreshToken: string;
  accessToken: string | undefined;
  /** It was told that it is signed out. */
  revoked: boolean;
}

export interface Ledger {
  readonly entries: readonly Entry[];
  /** Answers that no honest client may get: status and body. */
  readonly wrongs: string[];
  /** Acknowledged refreshes so far. */
  acknowledged(): number;
  /** The time of the last acknowledged refresh, monotonic milliseconds. */
  lastAt(): number;
  /** Refreshes with every client but those that were revoked until `stop`; connections that break and 503 are tried again with the same token. */
  run(): { stop(): Promise<void> };
  /** Signs a client out, trying again until that was acknowledged. */
  revoke(index: number): Promise<void>;
  /** What was promised and does not hold: one line each. */
  broken(): Promise<string[]>;
}

export interface LedgerOptions {
  /** File of refresh tokens, one a line, each of a session of its own. */
  readonly refreshFile: string;
  readonly clientId: string;
  readonly clients: number;
  /** Base URLs, taken in turns; asked for at each request, as a load balancer's would be. */
  readonly urls: () => readonly string[];
  /** Tells whether the homeserver would take an access token for good. */
  readonly isActive: (accessToken: string) => Promise<boolean>;
  /** A pause between two refreshes of a client, in milliseconds. Default 0. */
  readonly pauseMs?: number;
}

export function openLedger(options: LedgerOptions): Ledger {
  const { clientId, urls, pauseMs = 0 } = options;
  const entries: Entry[] = readFileSync(options.refreshFile, 'utf8')
    .split('\n')
    .slice(0, options.clients)
    .map((refreshToken) => ({ refreshToken, accessToken: undefined, revoked: false }));
  const wrongs: string[] = [];
  let acknowledged = 0;
  let lastAt = 0;
  let turn = 0;

  /** One attempt; true when it was acknowledged. */
  const refresh = async (entry: Entry): Promise<boolean> => {
    const all = urls();
    const url = all[turn++ % all.length] ?? '';
    const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: entry.refreshToken };
    const answer = await postForm(`${url}oauth2/token`, form).catch(() => undefined);
    if (answer?.status === 200) {
      entry.refreshToken = String(answer.body['refresh_token']);
      entry.accessToken = String(answer.body['access_token']);
      acknowledged++;
      lastAt = performance.now();
      return true;
    }
    const sound =
      answer === undefined ||
      // It was signed out while this was on its way.
      entry.revoked ||
      (answer.status === 503 &&
        answer.headers.get('retry-after') !== null &&
        answer.body['error'] === undefined);
    if (!sound) wrongs.push(`refresh: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
    await delay(20);
    return false;
  };

  return {
    entries,
    wrongs,
    acknowledged: () => acknowledged,
    lastAt: () => lastAt,
    run() {
      let stopped = false;
      const lanes = entries
        .filter(({ revoked }) => !revoked)
        .map(async (entry) => {
          while (!stopped && !entry.revoked) {
            await refresh(entry);
            if (pauseMs > 0) await delay(pauseMs);
          }
        });
      return {
        async stop() {
          stopped = true;
          await Promise.all(lanes);
        },
      };
    },
    async revoke(index) {
      const entry = entries[index];
      if (entry === undefined) return;
      entry.revoked = true;
      for (;;) {
        const url = urls()[0] ?? '';
        const form = { token: entry.refreshToken, client_id: clientId };
        const answer = await postForm(`${url}oauth2/revoke`, form).catch(() => undefined);
        if (answer?.status === 200) return;
        await delay(20);
      }
    },
    async broken() {
      const lines: string[] = [...wrongs];
      for (const [index, entry] of entries.entries()) {
        const name = `client ${String(index)}`;
        const { accessToken, revoked } = entry;
        if (revoked) {
          if (accessToken !== undefined && (await options.isActive(accessToken)))
            lines.push(`${name}: its revocation was undone`);
          continue;
        }
        if (accessToken !== undefined && !(await options.isActive(accessToken)))
          lines.push(`${name}: its access token was lost`);
        if (!(await refresh(entry))) lines.push(`${name}: its refresh token was lost`);
      }
      return lines.concat(wrongs.filter((wrong) => !lines.includes(wrong)));
    },
  };
}
