import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseForm, pairs } from '../../src/http/form-body.ts';

const type = 'application/x-www-form-urlencoded';
const parse = (body: string | Buffer, contentType: string | undefined = type): [string, string][] => [
  ...parseForm(contentType, Buffer.from(body)),
];

describe('a form', () => {
  it('is decoded once, plus signs as spaces', () => {
    expect(parse('a=b+c%2B&d=%25zz&%C3%BC=&e')).toEqual([
      ['a', 'b c+'],
      ['d', '%zz'],
      ['ü', ''],
      ['e', ''],
    ]);
    expect(parse('a=b=c&&&')).toEqual([['a', 'b=c']]);
  });

  it('may say utf-8 and nothing else', () => {
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"', 'utf8'])
      expect(parse('a=1', `${type}; charset=${charset}`)).toEqual([['a', '1']]);
    expect(parse('a=1', `${type.toUpperCase()} ; x=y`)).toEqual([['a', '1']]);
    for (const charset of ['utf-7', 'utf-16', 'iso-8859-1'])
      expect(() => parse('a=1', `${type}; charset=${charset}`)).toThrow('charset');
  });

  it('must have the content type of a form', () => {
    for (const other of ['application/json', 'text/plain', 'multipart/form-data', '', `x${type}`]) {
      expect(() => parse('a=1', other), other).toThrow('content type');
    }
    expect(() => parseForm(undefined, Buffer.from('a=1'))).toThrow('content type');
  });

  it('refuses a name that is there twice, naming it, but never telling a secret', () => {
    expect(() => parse('scope=a&scope=b')).toThrow('the parameter scope is given more than once');
    expect(() => parse('a=1&%61=2')).toThrow('the parameter a is given more than once');
    expect(() => parse(`${'s'.repeat(50)}=1&${'s'.repeat(50)}=1`)).toThrow(
      'the parameter … is given more than once',
    );
  });

  it('refuses bad escapes and invalid UTF-8, naming the parameter', () => {
    for (const text of ['a=%', 'a=%4', 'a=%zz', '%ff=1', 'a=%c3%28', 'a=%ed%a0%80', 'a=%c0%80', 'a%00=1'])
      expect(() => parse(text), text).toThrow(/parameter/);
    expect(() => parse('code=%zz')).toThrow('the parameter code is not percent-encoded UTF-8');
    expect(() => parse(Buffer.from([0x61, 0x3d, 0xff]))).toThrow('UTF-8');
  });

  it('takes a value with a NUL as one that nobody has issued', () => {
    expect(parse('a=x%00y')).toEqual([['a', 'x\ufffdy']]);
  });

  it('has at most 100 fields', () => {
    const fields = (count: number): string =>
      Array.from({ length: count }, (_, index) => `a${String(index)}=1`).join('&');
    expect(parse(fields(100))).toHaveLength(100);
    expect(() => parse(fields(101))).toThrow('more than 100');
    expect(() => parse('a[]=1&'.repeat(10_000))).toThrow('more than 100');
  });

  it('treats brackets and names of prototypes as names like any other', () => {
    expect(parse('scope[]=1&__proto__=2&constructor=3&a[b]=4')).toEqual([
      ['scope[]', '1'],
      ['__proto__', '2'],
      ['constructor', '3'],
      ['a[b]', '4'],
    ]);
    expect(({} as Record<string, unknown>)['scope']).toBeUndefined();
  });

  it('reads whatever URLSearchParams writes, and agrees with it wherever it accepts', () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => !value.includes('\0') && value.isWellFormed());
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(text, text), { maxLength: 20, selector: ([name]) => name }),
        (fields) => {
          const written = new URLSearchParams(fields).toString();
          expect(pairs(written)).toEqual(
            fields.filter(([name, value]) => name !== '' || value !== '' || written !== ''),
          );
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '%', '4', '1', '=', '&', '+', 'ü', 'c', '3') }),
        (written) => {
          let read: [string, string][];
          try {
            read = pairs(written);
          } catch {
            return;
          }
          expect(read).toEqual([...new URLSearchParams(written)]);
        },
      ),
    );
  });
});
