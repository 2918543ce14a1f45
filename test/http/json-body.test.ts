import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, parseObject } from '../../src/http/json-body.ts';
import { startApp } from './support.ts';

describe('a JSON body', () => {
  it('must be one object (matrix: M_NOT_JSON, M_BAD_JSON)', () => {
    expect(parseObject(' {"a": [1, {"b": null}]} ')).toEqual({ a: [1, { b: null }] });
    for (const text of ['', '{', '{"a":1}x', "{'a':1}", '\ufeff{}', '{"a":NaN}', '{"a":1,}']) {
      expect(() => parseObject(text), text).toThrow('not JSON');
    }
    for (const text of ['[]', '1', '"a"', 'null', 'true'])
      expect(() => parseObject(text), text).toThrow('must be a JSON object');
  });

  it('has no name twice in one object, however it is spelled', () => {
    for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":[{"b":{"a":1, "a" :2}}]}']) {
      expect(() => parseObject(text), text).toThrow('more than once');
    }
    expect(parseObject('{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"\\"a\\":"}')).toBeTruthy();
    expect(() => parseObject('{"password":1,"password":2}')).toThrow('the member password is');
    expect(() => parseObject(`{"${'s'.repeat(60)}":1,"${'s'.repeat(60)}":2}`)).toThrow('the member … is');
  });

  it('cannot pollute prototypes', () => {
    const body = parseObject(
      '{"__proto__":{"admin":true},"a":{"\\u005f_proto__":{"admin":true}},"b":[{"__proto__":1}]}',
    );
    expect(JSON.stringify(body)).toBe('{"a":{},"b":[{}]}');
    expect((Object.assign({}, body) as { admin?: unknown }).admin).toBeUndefined();
  });

  it('is bounded in depth', () => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect(parseObject(nested(32))).toBeTruthy();
    expect(() => parseObject(nested(33))).toThrow('deeper');
    expect(() => parseObject(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)).toThrow('deeper');
  });

  it('has no text that a database or a log could not hold', () => {
    expect(() => parseObject('{"a":"\\u0000"}')).toThrow('NUL');
    expect(() => parseObject('{"a":"\\ud800"}')).toThrow('surrogate');
    expect(parseObject('{"a":"\\ud83d\\ude00"}')).toEqual({ a: '😀' });
  });

  it('is UTF-8', () => {
    expect(() => parseJson(undefined, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), true)).toThrow(
      'UTF-8',
    );
    for (const charset of ['utf-16', 'utf-7', 'latin1']) {
      expect(() => parseJson(`application/json; charset=${charset}`, Buffer.from('{}'), true)).toThrow(
        'charset',
      );
    }
    expect(parseJson('application/json; charset=UTF-8', Buffer.from('{}'), false)).toEqual({});
  });

  it('agrees with JSON.parse on every object without repeats', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value);
        const strange = /\\u0000|\\ud[89a-f]|__proto__/i.test(text);
        if (!strange) expect(parseObject(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('a JSON operation', () => {
  it('takes any content type, or none, from Matrix clients, and nothing but JSON elsewhere', async () => {
    await using app = await startApp();
    const body = '{"display_name":"x"}';
    for (const type of [undefined, 'text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      const answer = await fetch(`${app.url}/_matrix/client/v3/thing`, {
        method: 'PUT',
        body: Buffer.from(body),
        headers: type === undefined ? {} : { 'content-type': type },
      });
      expect(answer.status, type).toBe(200);
    }
    const registration = await fetch(`${app.url}/oauth2/registration`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain' },
    });
    expect([registration.status, await registration.json()]).toEqual([
      415,
      { error: 'invalid_request', error_description: 'the content type must be application/json' },
    ]);
  });

  it('may go without a body where the document says so', async () => {
    await using app = await startApp();
    const optional = await fetch(`${app.url}/_matrix/client/v3/devices/x`, { method: 'DELETE' });
    expect([optional.status, await optional.json()]).toMatchObject([200, { body: null }]);
    const required = await fetch(`${app.url}/_matrix/client/v3/thing`, { method: 'PUT' });
    expect([required.status, await required.json()]).toMatchObject([400, { errcode: 'M_NOT_JSON' }]);
  });

  it('is refused in the words of the dialect where it does not fit the document', async () => {
    await using app = await startApp();
    const put = async (body: string): Promise<unknown[]> => {
      const answer = await fetch(`${app.url}/_matrix/client/v3/thing`, { method: 'PUT', body });
      return [answer.status, await answer.json()];
    };
    expect(await put('{')).toEqual([400, { errcode: 'M_NOT_JSON', error: 'the body is not JSON' }]);
    expect(await put('[]')).toEqual([
      400,
      { errcode: 'M_BAD_JSON', error: 'the body must be a JSON object' },
    ]);
    expect(await put('{}')).toEqual([400, { errcode: 'M_BAD_JSON', error: 'display_name is missing' }]);
    expect(await put('{"display_name":5}')).toEqual([
      400,
      { errcode: 'M_BAD_JSON', error: 'display_name must be string' },
    ]);
    expect(await put('{"display_name":"x","count":"5"}')).toEqual([
      400,
      { errcode: 'M_BAD_JSON', error: 'count must be integer' },
    ]);
    const registration = await fetch(`${app.url}/oauth2/registration`, {
      method: 'POST',
      body: JSON.stringify({ display_name: 'x'.repeat(30) }),
      headers: { 'content-type': 'application/json' },
    });
    expect([registration.status, await registration.json()]).toEqual([
      400,
      {
        error: 'invalid_client_metadata',
        error_description: 'display_name must NOT have more than 20 characters',
      },
    ]);
  });
});
