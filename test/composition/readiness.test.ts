import { expect, it } from 'vitest';
import { judgeReadiness } from '../../src/composition/readiness.ts';
import type { ProviderState } from '../../src/upstream/provider.ts';

type State = ProviderState['metadata'];

const provider = (id: string, metadata: State, keys: State = metadata) => ({
  id,
  state: () => ({ metadata, keys, documents: {} }) as ProviderState,
});
const up = { check: () => Promise.resolve() };
const down = { check: () => Promise.reject(new Error('down')) };

it.each<[string, ReturnType<typeof provider>[], typeof up, string, RegExp]>([
  ['all is well', [provider('a', 'fresh')], up, 'ok', /^$/],
  ['two providers, all is well', [provider('a', 'fresh'), provider('b', 'fresh')], up, 'ok', /^$/],
  [
    'the only provider was never reached',
    [provider('a', 'none')],
    up,
    'unavailable',
    /a: .*nobody can sign in/,
  ],
  [
    'one of two was never reached',
    [provider('a', 'none'), provider('b', 'fresh')],
    up,
    'degraded',
    /a: .*who uses it cannot sign in/,
  ],
  [
    'one of three was never reached',
    [provider('a', 'fresh'), provider('b', 'none'), provider('c', 'stale')],
    up,
    'degraded',
    /b: .*; provider c: serving/,
  ],
  [
    'neither of two was ever reached',
    [provider('a', 'none'), provider('b', 'none')],
    up,
    'unavailable',
    /a: .*b: /,
  ],
  ['the last good documents are served', [provider('a', 'stale')], up, 'degraded', /last good documents/],
  ['keys were never had', [provider('a', 'fresh', 'none')], up, 'degraded', /a: /],
  ['the database is down', [provider('a', 'fresh')], down, 'unavailable', /database/],
  [
    'the database is down, and one provider',
    [provider('a', 'none'), provider('b', 'fresh')],
    down,
    'unavailable',
    /a: .*database/,
  ],
])('%s', async (_what, providers, db, status, reasons) => {
  const found = await judgeReadiness(db, providers);
  expect(found.status).toBe(status);
  expect(found.reasons.join('; ')).toMatch(reasons);
});
