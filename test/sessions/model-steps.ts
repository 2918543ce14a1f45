/** What may happen to a session, in any order. */
import fc from 'fast-check';
import { MINUTE } from './support.ts';

/** Life of an access token. */
export const TTL = 10 * MINUTE;
const DAY = 24 * 60 * MINUTE;

export type Step =
  | { do: 'refresh'; lost: boolean }
  | { do: 'race'; callers: number }
  | { do: 'twin' | 'use' | 'crash' | 'restart' | 'cleanUp' | 'revoke' | 'signInAgain' }
  /** Somebody presents a token out of the past. */
  | { do: 'oldRefresh' | 'oldAccess'; which: number }
  | { do: 'wait' | 'jump'; ms: number };

const kind = <T extends Step>(
  weight: number,
  arbitrary: fc.Arbitrary<T>,
): { weight: number; arbitrary: fc.Arbitrary<Step> } => ({
  weight,
  arbitrary,
});
const step = fc.oneof(
  kind(8, fc.record({ do: fc.constant('refresh' as const), lost: fc.boolean() })),
  kind(4, fc.record({ do: fc.constant('use' as const) })),
  kind(2, fc.record({ do: fc.constant('race' as const), callers: fc.integer({ min: 2, max: 6 }) })),
  kind(2, fc.record({ do: fc.constantFrom('twin' as const, 'crash' as const) })),
  kind(1, fc.record({ do: fc.constantFrom('restart' as const, 'cleanUp' as const) })),
  kind(1, fc.record({ do: fc.constantFrom('revoke' as const, 'signInAgain' as const) })),
  kind(2, fc.record({ do: fc.constantFrom('oldRefresh' as const, 'oldAccess' as const), which: fc.nat(9) })),
  kind(
    3,
    fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1_000, 30_000, 31_000, TTL, 60 * MINUTE, 30 * DAY),
    }),
  ),
  kind(1, fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-120 * MINUTE, 120 * MINUTE) })),
);
/** Each step through one of two handles. */
export const steps = fc.array(fc.tuple(fc.constantFrom(0, 1), step), { minLength: 5, maxLength: 30 });
