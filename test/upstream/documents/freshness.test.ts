import { describe, expect, it } from 'vitest';
import {
  conditionalHeaders,
  outwardFreshness,
  pickCacheFields,
  timeToLiveMs,
  updateCacheFields,
  type CacheFields,
} from '../../../src/upstream/documents/freshness.ts';

const url = 'https://idp.example/.well-known/openid-configuration';
const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
const limits = { minTtlMs: 60_000, maxTtlMs: 86_400_000 };
const ttl = (fields: CacheFields) => timeToLiveMs(url, { date, ...fields }, limits) / 1000;
const outward = (fields: CacheFields, elapsedSeconds = 0) =>
  outwardFreshness(url, { date, ...fields }, elapsedSeconds * 1000);

describe('how long a document is kept', () => {
  it.each<[string, CacheFields, number]>([
    ['nothing said', {}, 60],
    ['max-age', { 'cache-control': 'max-age=600' }, 600],
    ['max-age below the floor', { 'cache-control': 'max-age=2' }, 60],
    ['max-age=0', { 'cache-control': 'max-age=0' }, 60],
    ['ten years', { 'cache-control': 'public, max-age=315360000' }, 86_400],
    ['more digits than a number has', { 'cache-control': `max-age=${'9'.repeat(400)}` }, 86_400],
    ['negative', { 'cache-control': 'max-age=-600' }, 60],
    ['a fraction', { 'cache-control': 'max-age=600.5' }, 60],
    ['a word', { 'cache-control': 'max-age=forever' }, 60],
    ['digits with a unit', { 'cache-control': 'max-age=600s' }, 60],
    ['no value', { 'cache-control': 'max-age' }, 60],
    ['junk', { 'cache-control': '=;;,,"', expires: 'soon', age: 'old' }, 60],
    ['quoted', { 'cache-control': 'max-age="600"' }, 600],
    ['any case', { 'cache-control': 'Public, MAX-AGE=600' }, 600],
    ['twice, different', { 'cache-control': 'max-age=600, max-age=900' }, 60],
    ['twice, the same', { 'cache-control': 'max-age=600, max-age=600' }, 600],
    ['s-maxage does not count', { 'cache-control': 's-maxage=5, max-age=600' }, 600],
    ['s-maxage alone does not count', { 'cache-control': 's-maxage=600' }, 60],
    ['private counts', { 'cache-control': 'private, max-age=600' }, 600],
    ['no-store', { 'cache-control': 'no-store, max-age=600' }, 60],
    ['no-cache', { 'cache-control': 'no-cache, max-age=600' }, 60],
    ['pragma', { pragma: 'no-cache', expires: 'Thu, 01 Jan 2026 00:10:00 GMT' }, 60],
    ['expires', { expires: 'Thu, 01 Jan 2026 00:10:00 GMT' }, 600],
    [
      'max-age before expires',
      { 'cache-control': 'max-age=300', expires: 'Thu, 01 Jan 2026 00:10:00 GMT' },
      300,
    ],
    ['expires in the past', { expires: '0' }, 60],
    ['age', { 'cache-control': 'max-age=600', age: '200' }, 400],
    ['age beyond it', { 'cache-control': 'max-age=600', age: '100000' }, 60],
    ['a negative age', { 'cache-control': 'max-age=600', age: '-5' }, 600],
    [
      'a tenth of its age where only Last-Modified is there',
      { 'last-modified': 'Wed, 31 Dec 2025 14:00:00 GMT' },
      3600,
    ],
    ['must-revalidate', { 'cache-control': 'max-age=600, must-revalidate' }, 600],
    ['a directive with a comma in quotes', { 'cache-control': 'no-x="a, max-age=5", max-age=600' }, 600],
    ['Vary: *', { 'cache-control': 'max-age=600', vary: '*' }, 60],
    ['immutable alone', { 'cache-control': 'immutable' }, 60],
  ])('%s', (_name, fields, seconds) => {
    expect(ttl(fields)).toBe(seconds);
  });

  it('takes the request as the moment from which Expires counts where the IdP sends no Date', () => {
    const now = Date.parse(date);
    expect(pickCacheFields({ expires: 'x', date: 'nonsense', 'set-cookie': 'a' }, now)).toEqual({
      date,
      expires: 'x',
    });
    expect(
      timeToLiveMs(url, pickCacheFields({ expires: 'Thu, 01 Jan 2026 00:10:00 GMT' }, now), limits),
    ).toBe(600_000);
  });
});

describe('a 304', () => {
  it('replaces the stored fields that it has, adds new ones, and forgets the stored age', () => {
    const stored = { date, age: '100000', etag: '"a"', 'cache-control': 'max-age=5' };
    const updated = updateCacheFields(stored, { date: 'x', 'cache-control': 'max-age=900', expires: 'y' });
    expect(updated).toEqual({ date: 'x', etag: '"a"', 'cache-control': 'max-age=900', expires: 'y' });
  });

  it('is asked for by ETag and Last-Modified', () => {
    expect(conditionalHeaders({ etag: 'W/"a"', 'last-modified': date })).toEqual({
      'if-none-match': 'W/"a"',
      'if-modified-since': date,
    });
    expect(conditionalHeaders({})).toEqual({});
  });
});

describe('the freshness that may be handed on', () => {
  it('is what is left, counting Age, and never the floor', () => {
    expect(outward({ 'cache-control': 'max-age=600', age: '100' }, 50).maxAgeSeconds).toBe(450);
    expect(outward({ 'cache-control': 'max-age=2' }, 1.5).maxAgeSeconds).toBe(0);
    expect(outward({ 'cache-control': 'max-age=2' }, 100).maxAgeSeconds).toBe(0);
    expect(outward({ expires: 'Thu, 01 Jan 2026 00:10:00 GMT' }, 60).maxAgeSeconds).toBe(540);
  });

  it('is 0 where the IdP gave none, a guess included', () => {
    expect(outward({}).maxAgeSeconds).toBe(0);
    expect(outward({ 'last-modified': 'Wed, 31 Dec 2025 14:00:00 GMT' }).maxAgeSeconds).toBe(0);
    expect(outward({ 'cache-control': 's-maxage=600' }).maxAgeSeconds).toBe(0);
  });

  it.each(['no-store', 'no-cache', 'NO-STORE, max-age=5, stale-if-error=9'])(
    'is no-cache after %s',
    (value) => {
      expect(outward({ 'cache-control': value })).toMatchObject({
        noCache: true,
        maxAgeSeconds: 0,
        staleIfErrorSeconds: 0,
      });
    },
  );

  it('passes on what is left of the stale windows, and none after must-revalidate', () => {
    const fields = { 'cache-control': 'max-age=100, stale-while-revalidate=30, stale-if-error=300' };
    expect(outward(fields, 40)).toMatchObject({ staleWhileRevalidateSeconds: 30, staleIfErrorSeconds: 300 });
    expect(outward(fields, 120)).toMatchObject({
      maxAgeSeconds: 0,
      staleWhileRevalidateSeconds: 10,
      staleIfErrorSeconds: 280,
    });
    expect(outward(fields, 900)).toMatchObject({ staleWhileRevalidateSeconds: 0, staleIfErrorSeconds: 0 });
    const strict = { 'cache-control': 'max-age=100, must-revalidate, stale-if-error=300' };
    expect(outward(strict)).toMatchObject({
      maxAgeSeconds: 100,
      mustRevalidate: true,
      staleIfErrorSeconds: 0,
    });
  });
});
