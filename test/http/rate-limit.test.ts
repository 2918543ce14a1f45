import { describe, expect, it } from 'vitest';
import { createRateLimiter, reserveAll } from '../../src/http/rate-limit.ts';
import type { RateLimiter, Reservation } from '../../src/http/rate-limit.ts';
import { RequestFault } from '../../src/http/fault.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { testClock } from '../support/clock.ts';
import { startApp } from './support.ts';

function limiter(
  points = 2,
  keys?: number,
): { limit: RateLimiter; clock: ReturnType<typeof testClock>; metrics: ReturnType<typeof createMetrics> } {
  const clock = testClock();
  const metrics = createMetrics({ processMetrics: false });
  return {
    clock,
    metrics,
    limit: createRateLimiter({
      name: 'test',
      points,
      windowSeconds: 60,
      clock,
      metrics,
      ...(keys === undefined ? {} : { keys }),
    }),
  };
}

const attempt = (act: () => void): unknown => {
  try {
    act();
    return 'fine';
  } catch (error) {
    return error instanceof RequestFault ? [error.status, error.headers['retry-after']] : error;
  }
};

describe('a limit', () => {
  it('allows so many in a window, by key, then says when to come back', () => {
    const { limit, clock } = limiter();
    const take = (key: string): unknown => attempt(() => limit.take(key));
    expect([take('a'), take('a'), take('b')]).toEqual(['fine', 'fine', 'fine']);
    clock.advance(20_500);
    expect(take('a')).toEqual([429, '40']);
    expect(take('b')).toBe('fine');
    clock.advance(39_500);
    expect(take('a')).toBe('fine');
  });

  it('does not move with the wall clock', () => {
    const { limit, clock } = limiter(1);
    limit.take('a');
    clock.jump(3_600_000);
    expect(attempt(() => limit.take('a'))).toEqual([429, '60']);
  });

  it('can be one of several that an attempt counts at: at all of them, or at none', () => {
    const [one, other] = [limiter(2).limit, limiter(1).limit];
    const reserve = (): Reservation =>
      reserveAll([
        [one, 'a'],
        [other, 'a'],
      ]);
    reserve().giveBack();
    reserve().keep();
    expect(attempt(() => reserve())).toEqual([429, '60']);
    // The attempt that was refused by the other has taken nothing here.
    expect(attempt(() => one.take('a'))).toBe('fine');
    expect(attempt(() => one.take('a'))).toEqual([429, '60']);
  });

  it('can count beforehand and take back what was no failure', () => {
    const { limit, clock } = limiter(2);
    const reserve = (): unknown => attempt(() => limit.reserve('a'));
    const { giveBack } = limit.reserve('a');
    expect(reserve()).toBe('fine');
    giveBack();
    expect(reserve()).toBe('fine');
    clock.advance(60_000);
    const late = limit.reserve('a');
    clock.advance(60_000);
    expect([reserve(), reserve()]).toEqual(['fine', 'fine']);
    // What was counted in an earlier window takes nothing from this one.
    late.giveBack();
    expect(reserve()).toEqual([429, '1']);
  });

  it('says to come back at once while attempts without an outcome fill the window, later when they failed', () => {
    const { limit } = limiter(2);
    const reserve = (): unknown => attempt(() => limit.reserve('a'));
    const [one, other] = [limit.reserve('a'), limit.reserve('a')];
    expect(reserve()).toEqual([429, '1']);
    one.keep();
    expect(reserve()).toEqual([429, '1']);
    other.keep();
    expect(reserve()).toEqual([429, '60']);
  });

  it('remembers a bounded number of keys', () => {
    const { limit } = limiter(1, 100);
    const heap = process.memoryUsage().heapUsed;
    for (let key = 0; key < 200_000; key++) limit.take(`key-${String(key)}`);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(64 * 1024 * 1024);
    expect(attempt(() => limit.take('key-199999'))).toEqual([429, '60']);
    expect(attempt(() => limit.take('key-0'))).toBe('fine');
  });

  it('is counted', async () => {
    const { limit, metrics } = limiter(1);
    limit.take('a');
    attempt(() => limit.take('a'));
    expect((await metrics.render()).text).toContain('gatehouse_rate_limit_hits_total{limit="test"} 1');
  });

  it('speaks the dialect of the route', async () => {
    const { limit } = limiter(1);
    limit.take('x');
    const refuse = (): never => {
      limit.take('x');
      throw new Error('not limited');
    };
    await using app = await startApp({ handlers: { getThing: refuse, getConfiguration: refuse } });
    const matrix = await fetch(`${app.url}/_matrix/client/v3/thing`);
    expect([matrix.status, matrix.headers.get('retry-after'), await matrix.json()]).toEqual([
      429,
      '60',
      { errcode: 'M_LIMIT_EXCEEDED', error: 'too many requests, try again later', retry_after_ms: 60_000 },
    ]);
    const oauth = await fetch(`${app.url}/.well-known/openid-configuration`);
    expect([oauth.status, oauth.headers.get('retry-after'), await oauth.json()]).toEqual([
      429,
      '60',
      { error: 'temporarily_unavailable', error_description: 'too many requests, try again later' },
    ]);
  });
});
