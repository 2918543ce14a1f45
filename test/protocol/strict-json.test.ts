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

  it('takes the same name in different objects, and strings that look like members', () => {
    const text = '{"a":{"a":"a"},"b":["a","a",{"a":1},{"a":1}],"c":"{\\"a\\":1,\\"a\\":2}", "d" : "\\\\" }';
    expect(parseJsonObject(text)).toEqual(JSON.parse(text));
  });

  it('takes every object that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('__proto__')) return;
        expect(parseJsonObject(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('finishes soon on large and deep documents', () => {
    const began = performance.now();
    parseJsonObject(JSON.stringify({ a: 'x'.repeat(500_000), b: '\\"'.repeat(100_000) }));
    expect(() => parseJsonObject(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)).toThrow(JsonFault);
    parseJsonObject(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`);
    expect(() => parseJsonObject(`{"a":"${'\\'.repeat(100_001)}`)).toThrow(JsonFault);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
