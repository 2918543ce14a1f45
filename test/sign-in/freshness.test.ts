import { describe, expect, it } from 'vitest';
import { requireFreshAuthentication, wantedMaxAge } from '../../src/sign-in/freshness.ts';

const MINUTE = 60_000;
const began = Date.UTC(2026, 0, 1);

describe('a fresh sign-in', () => {
  const check = (asked: { prompt?: string; max_age?: number }, authenticatedAt?: number) => () => {
    const signIn = { prompt: asked.prompt ?? null, max_age: asked.max_age ?? null, created_at: began };
    requireFreshAuthentication(signIn, authenticatedAt === undefined ? {} : { authenticatedAt });
  };

  it('is not asked for: any time, and none, will do', () => {
    expect(check({})).not.toThrow();
    expect(check({ prompt: 'select_account' }, began - 1000 * MINUTE)).not.toThrow();
  });

  it.each([{ prompt: 'login' }, { prompt: 'login select_account' }, { max_age: 0 }, { max_age: 3600 }])(
    'asked for by %j is refused where the IdP does not say when it was',
    (asked) => {
      expect(check(asked)).toThrow('gives no auth_time');
    },
  );

  it.each([
    [{ prompt: 'login' }, 0.2, true],
    [{ prompt: 'login' }, -10, false],
    [{ prompt: 'login', max_age: 3600 }, -10, false],
    [{ max_age: 0 }, 1, true],
    [{ max_age: 0 }, -10, false],
    [{ max_age: 1200 }, -10, true],
    [{ max_age: 1200 }, -30, false],
    [{ max_age: 0 }, -0.4, true],
  ])('asked for by %j, and %d minutes after it began, passes: %s', (asked, minutes, passes) => {
    const run = check(asked, began + minutes * MINUTE);
    if (passes) expect(run).not.toThrow();
    else expect(run).toThrow('earlier than max_age or prompt=login allows');
  });

  it('counts from the beginning of the sign-in, whatever else the client asked for', () => {
    expect(wantedMaxAge({ prompt: null, max_age: null })).toBeUndefined();
    expect(wantedMaxAge({ prompt: 'create', max_age: 5 })).toBe(5);
    expect(wantedMaxAge({ prompt: 'login', max_age: 5 })).toBe(0);
  });
});
