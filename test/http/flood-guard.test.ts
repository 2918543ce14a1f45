import { expect, it } from 'vitest';
import { createFloodGuard } from '../../src/http/flood-guard.ts';
import { RequestFault } from '../../src/http/fault.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { testClock } from '../support/clock.ts';

it('refuses an address with 429, and everybody with 503, until the minute is over', () => {
  const clock = testClock();
  const metrics = createMetrics({ processMetrics: false });
  const guard = createFloodGuard({
    name: 'test',
    what: 'signing in',
    perAddress: 3,
    total: 5,
    clock,
    metrics,
  });
  const from = (clientAddress: string): void => {
    guard.take({ clientAddress });
  };
  for (let count = 0; count < 3; count++) from('192.0.2.1');
  expect(() => {
    from('192.0.2.1');
  }).toThrow(RequestFault);
  from('192.0.2.2');
  from('2001:db8::1');
  expect(() => {
    from('2001:db8:1::1');
  }).toThrow(Unavailable);
  clock.advance(60_000);
  from('192.0.2.1');
});
