import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chooseEncoding, prepareBody } from '../../src/http/etag.ts';
import { startApp } from './support.ts';

const content = { issuer: 'https://example.com/', padding: 'abc'.repeat(1000) };
const prepared = prepareBody(content, {
  contentType: 'application/json',
  cacheControl: 'public, max-age=300',
});
const header = (name: string, headers: Record<string, string> = {}): unknown =>
  prepared.reply(headers).headers?.[name];

describe('a prepared body', () => {
  it('has a strong ETag of its own in each encoding, and says what it varies by', () => {
    const tags = ['', 'gzip', 'br'].map((encoding) => header('etag', { 'accept-encoding': encoding }));
    expect(new Set(tags).size).toBe(3);
    for (const tag of tags) expect(tag).toMatch(/^"[\w-]{22}"$/);
    expect(header('vary')).toBe('Accept-Encoding');
  });

  it('holds the same content in each encoding', () => {
    const body = (encoding: string): Buffer =>
      prepared.reply({ 'accept-encoding': encoding }).body ?? Buffer.alloc(0);
    expect(JSON.parse(body('').toString())).toEqual(content);
    expect(gunzipSync(body('gzip')).equals(prepared.body)).toBe(true);
    expect(brotliDecompressSync(body('br')).equals(prepared.body)).toBe(true);
    expect(body('br').length).toBeLessThan(300);
  });

  it('keeps its ETag while the content is the same, and changes it with the content', () => {
    const options = { contentType: 'application/json', cacheControl: 'no-cache' };
    expect(prepareBody(content, options).reply({}).headers?.['etag']).toBe(header('etag'));
    expect(prepareBody({ ...content, a: 1 }, options).reply({}).headers?.['etag']).not.toBe(header('etag'));
  });

  it('answers 304 to a current validator, strong or weak, alone or in a list, and 200 to others', () => {
    const etag = String(header('etag'));
    for (const known of [etag, `W/${etag}`, `"a", ${etag}`, ` ${etag} ,"b"`, '*']) {
      const reply = prepared.reply({ 'if-none-match': known });
      expect(reply.status, known).toBe(304);
      expect(reply.body).toBeUndefined();
      expect(reply.headers).toMatchObject({
        etag,
        'cache-control': 'public, max-age=300',
        vary: 'Accept-Encoding',
      });
      expect(reply.headers).not.toHaveProperty('content-type');
    }
    for (const known of ['"x"', etag.slice(1, -1), '', String(header('etag', { 'accept-encoding': 'br' }))]) {
      expect(prepared.reply({ 'if-none-match': known }).status, known).toBe(200);
    }
  });

  it('is not encoded where that saves nothing', () => {
    const small = prepareBody({ a: 1 }, { contentType: 'application/json', cacheControl: 'no-cache' });
    expect(small.reply({ 'accept-encoding': 'br, gzip' }).headers).not.toHaveProperty('content-encoding');
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['gzip;q=0, br;q=0', 'identity'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['br;q=0, *', 'gzip'],
    ['GZIP', 'gzip'],
    ['zstd', 'identity'],
    ['', 'identity'],
    [';;;,q=,=', 'identity'],
    ['br;q=abc', 'identity'],
  ])('is served in the encoding that is liked best: %s', (accepted, expected) => {
    expect(chooseEncoding(accepted, new Set(['identity', 'gzip', 'br'] as const))).toBe(expected);
  });

  it('arrives byte for byte, in every encoding, from the hot look-up', async () => {
    await using app = await startApp({ handlers: { getThing: ({ headers }) => prepared.reply(headers) } });
    for (const encoding of ['identity', 'gzip', 'br']) {
      for (let round = 0; round < 2; round++) {
        const answer = await fetch(`${app.url}/_matrix/client/v3/thing`, {
          headers: { 'accept-encoding': encoding },
        });
        expect(answer.headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding);
        expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
        expect(await answer.json()).toEqual(content);
      }
    }
  });
});
