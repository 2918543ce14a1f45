import { expect, test } from 'vitest';
import { reservedNameFault, reservedNames } from '../../src/protocol/reserved-names.ts';

test.each<[string[], string, boolean]>([
  [['admin'], 'admin', true],
  [['Admin'], 'admin', true],
  [['admin'], 'administrator', false],
  [['admin'], 'the.admin', false],
  [['_bridge_*'], '_bridge_alice', true],
  [['_Bridge_*'], '_bridge_alice', true],
  [['_bridge_*'], '_bridge_', true],
  [['_bridge_*'], '_bridge', false],
  [['_bridge_*'], 'my_bridge_alice', false],
  [['a.b*'], 'axb', false],
  [['=*'], '=c3=a9', true],
  [['a', 'b*'], 'bob', true],
  [[], 'admin', false],
])('%j keeps %s: %s', (patterns, localpart, isKept) => {
  expect(reservedNames(patterns)(localpart)).toBe(isKept);
});

test.each<[string, RegExp | undefined]>([
  ['admin', undefined],
  ['Admin', undefined],
  ['_irc_*', undefined],
  ['*', /would keep every name/],
  ['', /would keep every name/],
  ['*_bot', /at its end only/],
  ['_irc_**', /at its end only/],
  ['@admin:example.com', /between `@` and `:`/],
  ['@_irc_.*', /between `@` and `:`/],
  ['Zoë', /between `@` and `:`/],
  ['two words', /between `@` and `:`/],
])('%j as a pattern: %s', (pattern, fault) => {
  if (fault === undefined) expect(reservedNameFault(pattern)).toBeUndefined();
  else expect(reservedNameFault(pattern)).toMatch(fault);
});
