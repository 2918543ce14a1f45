/** Over HTTP, on SQLite: no token answer leaves before its commit is on disk; and a disk that fails ends the process. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSqliteFile } from '../support/database.ts';
import { startFleet } from '../support/fleet.ts';
import { postForm } from '../support/oauth-client.ts';
import { hasStrace, parseTrace } from '../support/strace.ts';
import { judgeHttpOrder, straced } from '../support/strace-http.ts';

const ANSWERS = Number(process.env['GATEHOUSE_TRACED_ANSWERS'] ?? 500);

describe('the judge of the order over HTTP', () => {
  const ask = '7 read(20<TCP:[127.0.0.1:1->127.0.0.1:2]>, "POST /oauth2/token HTTP/"..., 65536) = 300';
  const answer = '7 write(20<TCP:[127.0.0.1:1->127.0.0.1:2]>, "HTTP/1.1 200 OK\\r\\nx-cont"..., 900) = 900';
  const frame = '7 pwrite64(3</x/g.db-wal>, "..."..., 4096, 32) = 4096';
  const sync = '8 fdatasync(4</x/g.db-wal>) = 0';
  const judge = (...lines: string[]): number[] => judgeHttpOrder(parseTrace(lines.join('\n'))).violations;

  it('accepts write, sync, answer, and refuses every other order', () => {
    expect(judge(ask, frame, sync, answer)).toEqual([]);
    expect(judge(ask, answer)).toEqual([1]);
    expect(judge(ask, frame, answer, sync)).toEqual([1]);
    expect(judge(ask, sync, frame, answer)).toEqual([1]);
    expect(judge(frame, sync, ask, answer)).toEqual([1]);
    expect(judge(ask, frame, '8 fdatasync(4</x/g.db-wal>) = -1 EIO (x)', answer)).toEqual([1]);
  });
});

describe.runIf(hasStrace())('a service under strace', () => {
  let folder: string;
  let database: ReturnType<typeof newSqliteFile>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-strace-'));
    database = newSqliteFile();
  });
  afterEach(() => {
    void database.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`writes, syncs, then answers: ${String(ANSWERS)} refreshes`, async () => {
    const traceFile = join(folder, 'trace');
    await using fleet = await startFleet({
      databaseUrl: database.url,
      processes: 1,
      sessions: 1,
      wrap: straced(traceFile),
    });
    const [service] = fleet.services;
    const { clientId, refreshFile } = fleet.seeded;
    let token = readFileSync(refreshFile, 'utf8');
    // Where strace cuts a call in two, the judge leaves that one out.
    for (let count = 0; count < ANSWERS + 20; count++) {
      const answer = await postForm(`${service?.url ?? ''}oauth2/token`, {
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: token,
      });
      expect(answer.status).toBe(200);
      token = String(answer.body['refresh_token']);
    }
    expect(await service?.stop('SIGTERM')).toBe(0);
    const order = judgeHttpOrder(parseTrace(readFileSync(traceFile, 'utf8')));
    expect(order.violations).toEqual([]);
    expect(order.answers).toBeGreaterThanOrEqual(ANSWERS);
  });

  it('a disk that fails to sync: 503, nothing acknowledged, and the process ends with 74 for its supervisor', async () => {
    await using fleet = await startFleet({
      databaseUrl: database.url,
      processes: 1,
      sessions: 40,
      wrap: straced(join(folder, 'trace'), 'fdatasync:error=EIO:when=6+'),
    });
    const [service] = fleet.services;
    const { clientId, refreshFile } = fleet.seeded;
    const acknowledged: string[] = [];
    for (const token of readFileSync(refreshFile, 'utf8').split('\n')) {
      const answer = await postForm(`${service?.url ?? ''}oauth2/token`, {
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: token,
      }).catch(() => undefined);
      if (answer === undefined) break;
      expect([200, 503]).toContain(answer.status);
      if (answer.status === 503) {
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
        expect(answer.body['error']).toBeUndefined();
        break;
      }
      acknowledged.push(String(answer.body['access_token']));
    }
    expect(await service?.ended()).toBe(74);
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.length).toBeLessThan(40);
    expect(service?.output()).toContain('the disk failed to store the database');
  });
});
