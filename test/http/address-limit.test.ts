import { describe, expect, it } from 'vitest';
import { type AddressLimit, createAddressLimit } from '../../src/http/address-limit.ts';
import { RequestFault } from '../../src/http/fault.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { testClock } from '../support/clock.ts';

const POINTS = 10;

function limit(total?: number): { limit: AddressLimit; clock: ReturnType<typeof testClock> } {
  const clock = testClock();
  const metrics = createMetrics({ processMetrics: false });
  return {
    clock,
    limit: createAddressLimit({
      name: 'test',
      points: POINTS,
      windowSeconds: 60,
      clock,
      metrics,
      ...(total === undefined ? {} : { total: { points: total, what: 'signing in' } }),
    }),
  };
}

const answer = (act: () => void): number => {
  try {
    act();
    return 200;
  } catch (error) {
    if (error instanceof RequestFault) return error.status;
    if (error instanceof Unavailable) return 503;
    throw error;
  }
};

const hex = (index: number): string => index.toString(16);

/** Where each request of an attack comes from, and how many of 400 are taken. */
const attacks: readonly (readonly [string, (index: number) => string, number])[] = [
  ['one IPv4 address', () => '192.0.2.1', POINTS],
  ['one IPv4 address, written as IPv6', (i) => (i % 2 === 0 ? '::ffff:192.0.2.1' : '192.0.2.1'), POINTS],
  ['all of a /24', (i) => `192.0.2.${String(i % 256)}`, 16 * POINTS],
  [
    'all of a /24, translated (RFC 6052)',
    (i) => `64:ff9b::c000:2${hex(i % 256).padStart(2, '0')}`,
    16 * POINTS,
  ],
  ['one IPv6 address', () => '2001:db8::1', POINTS],
  ['all of a /64', (i) => `2001:db8:1:2::${hex(i + 1)}`, POINTS],
  ['each /64 of a /56', (i) => `2001:db8:1:20${hex(i % 256).padStart(2, '0')}::1`, 4 * POINTS],
  ['each /64 of a /48', (i) => `2001:db8:1:${hex(i * 100)}::1`, 16 * POINTS],
  ['each /56 of a /48', (i) => `2001:db8:1:${hex((i % 256) << 8)}::1`, 16 * POINTS],
  ['a /24 each', (i) => `10.${String(i % 256)}.${String(i >> 8)}.1`, 400],
  ['a /48 each', (i) => `2001:db8:${hex(i + 1)}::1`, 400],
  [
    'a /24 each, translated (RFC 6052)',
    (i) => `64:ff9b::a${hex(i % 256).padStart(2, '0')}:${hex(i >> 8)}00`,
    400,
  ],
  ['no address', () => 'unknown', POINTS],
];

describe('a limit on addresses', () => {
  it.each(attacks)('takes of %s what that many people may ask', (_name, from, taken) => {
    const { limit: one } = limit();
    const answers = Array.from({ length: 400 }, (_, index) => answer(() => one.take(from(index))));
    expect(answers.filter((status) => status === 200)).toHaveLength(taken);
    expect(answers.filter((status) => status === 429)).toHaveLength(400 - taken);
  });

  it.each(attacks)('of which none takes anything from somebody elsewhere: %s', (_name, from) => {
    const { limit: one } = limit(100);
    for (let index = 0; index < 400; index++) answer(() => one.take(from(index)));
    for (const address of ['198.51.100.7', '2001:db8:ffff::1']) {
      expect(answer(() => one.take(address))).toBe(200);
    }
  });

  it('on all together refuses with 503 who has asked for much already, until the window is over', () => {
    const { limit: one, clock } = limit(20);
    const take = (address: string): number => answer(() => one.take(address));
    for (let index = 0; index < 10; index++) {
      expect([take('192.0.2.1'), take('2001:db8::1')]).toEqual([200, 200]);
    }
    expect([take('192.0.2.1'), take('192.0.3.1'), take('192.0.3.1')]).toEqual([429, 200, 503]);
    clock.advance(60_000);
    expect(take('192.0.2.1')).toBe(200);
  });

  it('can be asked without counting, and takes back what was no failure', () => {
    const { limit: one } = limit();
    for (let index = 0; index < 3 * POINTS; index++) one.check('192.0.2.1');
    for (let index = 0; index < 3 * POINTS; index++) one.reserve('192.0.2.1').giveBack();
    for (let index = 0; index < POINTS; index++) one.reserve('192.0.2.1').keep();
    expect(answer(() => one.check('192.0.2.1'))).toBe(429);
    expect(answer(() => one.check('192.0.2.2'))).toBe(200);
  });
});
