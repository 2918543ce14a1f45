import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonFault, parseJsonObject } from '../../src/protocol/strict-json.ts';

describe('strict JSON', () => {
  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"x"'],
    ['a truncated object', '{"a":'],
    ['trailing junk', '{"a":1}x'],
    ['two objects', '{"a":1}{"b":2}'],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['a page', '<html></html>'],
    ['too many brackets', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`],
    ['brackets without end', `{"a":${'['.repeat(300_000)}${']'.repeat(300_000)}}`],
    ['objects without end', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['a member twice', '{"a":1,"a":2}'],
    ['a member twice, escaped', '{"a":1,"\\u0061":2}'],
    ['a member twice, deep', '{"x":[{"y":{"b":1,"c":[],"b":1}}]}'],
    ['__proto__', '{"__proto__":{"a":1}}'],
    ['__proto__, escaped and deep', '{"a":[{"\\u005f_proto__":1}]}'],
    ['objects in objects, 33 deep', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['arrays, 50,000 deep', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  ])('refuses %s', (_name, text) => {
    expect(() => parseJsonObject(text)).toThrow(JsonFault);
  });

  it.each([
    ['{"a":1,"a":2}', 'it has the member a twice'],
    ['{"keys":[{"kid":"1","kid":"2"}]}', 'it has the member kid twice'],
    ['{"a":1,"\\u0061":2}', 'it has the member a twice'],
    ['{"":1,"":2}', 'it has the member (an empty name) twice'],
    ['{"\\n\\"é":1,"\\n\\"é":2}', 'it has the member ??? twice'],
    [`{"${'x'.repeat(99)}":1,"${'x'.repeat(99)}":2}`, `it has the member ${'x'.repeat(60)}... twice`],
  ])('names the member that %s has twice', (text, words) => {
    expect(() => parseJsonObject(text)).toThrow(words);
  });

  it('takes 32 levels', () => {
    expect(parseJsonObject(`${'{"a":'.repeat(32)}1${'}'.repeat(32)}`)).toBeTruthy();
  });

  it.each([
    ['U+0000', '{"a":"\\u0000"}', /NUL/],
    ['U+0000 in a name', '{"\\u0000":1}', /NUL/],
    ['half of a pair', '{"a":["\\ud800"]}', /surrogate/],
    ['the halves of a pair in the wrong order', '{"a":"\\ude00\\ud83d"}', /surrogate/],
  ])('refuses %s only where it is to be stored', (_name, text, words) => {
    expect(parseJsonObject(text)).toEqual(JSON.parse(text));
    expect(() => parseJsonObject(text, { storable: true })).toThrow(words);
  });

  it('takes a pair and what only looks like an escape where it is to be stored', () => {
    const text = '{"a":"\\ud83d\\ude00","b":"\\\\u0000"}';
    expect(parseJsonObject(text, { storable: true })).toEqual({ a: '😀', b: '\\u0000' });
  });

  it('takes the same name in different objects, and strings that look like members', () => {
    const text = '{"a":{"a":"a"},"b":["a","a",{"a":1},{"a":1}],"c":"{\\"a\\":1,\\"a\\":2}", "d" : "\\\\" }';
    expect(parseJsonObject(text)).toEqual(JSON.parse(text));
  });

  it('takes every object that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('__proto__')) return;
        expect(parseJsonObject(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('finishes soon on large and deep documents', () => {
    const began = performance.now();
    parseJsonObject(JSON.stringify({ a: 'x'.repeat(500_000), b: '\\"'.repeat(100_000) }));
    expect(() => parseJsonObject(`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`)).toThrow(JsonFault);
    expect(() => parseJsonObject(`{"a":"${'\\'.repeat(100_001)}`)).toThrow(JsonFault);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
