import { describe, expect, test } from 'vitest';
import { claimsOf, claimTemplateFault, renderClaimTemplate } from '../../src/protocol/claim-template.ts';
import { localpartFault } from '../../src/protocol/identifiers.ts';

const claims = {
  preferred_username: 'Alice',
  email: 'Alice.B@example.com',
  name: 'Ünal Ö',
  id: 42,
  empty: '',
  groups: ['a'],
  'https://example.com/role': 'admin',
  'a.b': 'whole name',
  a: { b: 'inner', c: { d: 'deep' }, list: ['x'], nothing: null },
};

test.each([
  ['preferred_username', 'Alice'],
  ['id', '42'],
  ['https://example.com/role', 'admin'],
  ['a.b', 'whole name'],
  ['a.c.d', 'deep'],
  ['{a.c.d|lower}-{id}', 'deep-42'],
  ['{email|before_at}', 'Alice.B'],
  ['{email | before_at | lower}', 'alice.b'],
  ['x-{id}.{preferred_username|lower}', 'x-42.alice'],
  ['{name|escape}', '=c3=bcnal=20=c3=b6'],
])('%j is %j', (template, text) => {
  expect(claimTemplateFault(template)).toBeUndefined();
  expect(renderClaimTemplate(template, claims)).toBe(text);
});

test.each([
  'missing',
  'empty',
  'groups',
  '{preferred_username}{missing}',
  '{empty}x',
  'a.c',
  'a.list',
  'a.list.0',
  'a.nothing',
  'a.c.missing',
  'email.length',
  'toString',
  'a.toString',
  '__proto__',
  'a.__proto__',
])('%j gives nothing: the claim is missing, empty or no text', (template) => {
  expect(renderClaimTemplate(template, claims)).toBeUndefined();
});

test('escape makes a localpart of any text, and different ones of different texts', () => {
  const texts = ['a b', 'a=20b', 'a\u{1f600}', 'Ä', 'a@b', 'a:b', 'a%b', '"', 'é', 'e\u0301'];
  const localparts = texts.map((text) => renderClaimTemplate('{x|escape}', { x: text }) ?? '');
  for (const localpart of localparts) expect(localpartFault(localpart, 'example.com')).toBeUndefined();
  expect(new Set(localparts).size).toBe(texts.length);
});

test('the claims that are read are known', () => {
  expect(claimsOf('{a|lower}-{b}')).toEqual(['a', 'b']);
  expect(claimsOf('a')).toEqual(['a']);
});

describe('a template that cannot work is told why', () => {
  test.each([
    ['', /name a claim/],
    ['{a', /brace/],
    ['a}', /brace/],
    ['{{a}}', /brace/],
    ['{}', /without the name/],
    ['{|lower}', /without the name/],
    ['{a|shout}', /unknown filter `shout`; there are before_at, lower, escape/],
    ['{a|constructor}', /unknown filter/],
  ])('%j', (template, fault) => {
    expect(claimTemplateFault(template)).toMatch(fault);
  });
});
