import { afterEach, describe, expect, it } from 'vitest';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import { createAddressPolicy } from '../../../src/protocol/addresses.ts';
import { DocumentFault } from '../../../src/upstream/documents/document-fault.ts';
import type { DocumentStore } from '../../../src/upstream/documents/document-store.ts';
import { createCachedDocument, type CachedDocument } from '../../../src/upstream/documents/http-cache.ts';
import { createOutbound, type Outbound } from '../../../src/outbound/outbound.ts';
import { seededRandom, testClock, type TestClock } from '../../support/clock.ts';
import { testLog } from '../support/log.ts';
import { memoryStore } from '../support/memory-store.ts';
import {
  sendJson,
  startScriptedServer,
  type Script,
  type ScriptedServer,
} from '../support/scripted-server.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const open: Outbound[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

interface Setup {
  readonly document: CachedDocument<{ n: number }>;
  readonly clock: TestClock;
  readonly log: ReturnType<typeof testLog>;
  /** As many turns of the background refresh as it takes to live through this time in steps of a second. */
  live(milliseconds: number): Promise<void>;
}

function setup(server: ScriptedServer, options: { store?: DocumentStore; clock?: TestClock } = {}): Setup {
  const clock = options.clock ?? testClock();
  const log = testLog();
  const outbound = createOutbound({
    clock,
    addresses: createAddressPolicy({ loopback: true, allowed: [] }),
    timeoutMs: 500,
  });
  open.push(outbound);
  const document = createCachedDocument({
    providerId: 'main',
    kind: 'metadata',
    what: 'the identity provider',
    url: () => Promise.resolve(`${server.url}/document`),
    accept: 'application/json',
    maxBytes: 10_000,
    parse: (body) => {
      const value = JSON.parse(body) as { n?: number };
      if (value.n === undefined) throw new DocumentFault('n is missing');
      return { n: value.n };
    },
    limits: { minTtlMs: MINUTE, maxTtlMs: DAY, staleIfErrorMs: 7 * DAY },
    warmRetryMs: 15 * SECOND,
    outbound,
    store: options.store ?? memoryStore(),
    clock,
    random: seededRandom('cache'),
    log,
  });
  return {
    document,
    clock,
    log,
    async live(milliseconds) {
      for (let lived = 0; lived < milliseconds; lived += SECOND) {
        clock.advance(SECOND);
        if (document.dueInMs() === 0) await document.refreshIfDue();
      }
    },
  };
}

/** Answers version after version; a matching If-None-Match gets a 304. */
function versions(headers: Record<string, string>, version: () => number = () => 1): Script {
  return (request, response) => {
    const etag = headers['etag'] === undefined ? undefined : `"v${String(version())}"`;
    if (etag !== undefined && request.headers['if-none-match'] === etag) {
      const { etag: _, ...rest } = headers;
      response.writeHead(304, { ...rest, etag }).end();
      return;
    }
    sendJson(response, { n: version() }, { ...headers, ...(etag === undefined ? {} : { etag }) });
  };
}

const kinds = (server: ScriptedServer): string[] =>
  server.seen.map((request) => (request.headers['if-none-match'] === undefined ? 'plain' : 'conditional'));

describe('a document of the IdP over an hour', () => {
  it.each<[string, Record<string, string>, number, number]>([
    ['max-age=2: the floor', { 'cache-control': 'max-age=2' }, 55, 61],
    ['no-store: the floor', { 'cache-control': 'no-store' }, 55, 61],
    ['nothing: the floor', {}, 55, 61],
    ['Age: 100000: the floor', { 'cache-control': 'max-age=3600', age: '100000' }, 55, 61],
    ['junk: the floor', { 'cache-control': 'max-age=soon, "', expires: 'never', age: 'x' }, 55, 61],
    ['max-age=600: every ten minutes, a little early', { 'cache-control': 'max-age=600' }, 7, 8],
    ['max-age=600, Age: 300: every five minutes', { 'cache-control': 'max-age=600', age: '300' }, 13, 14],
    ['max-age=100000: once', { 'cache-control': 'max-age=100000' }, 1, 1],
    ['an ETag', { etag: 'v', 'cache-control': 'max-age=600' }, 7, 8],
  ])('%s', async (_name, headers, least, most) => {
    await using server = await startScriptedServer({ script: versions(headers) });
    const { document, live } = setup(server);
    expect(await document.get()).toEqual({ n: 1 });
    await live(HOUR);
    expect(server.seen.length).toBeGreaterThanOrEqual(least);
    expect(server.seen.length).toBeLessThanOrEqual(most);
    expect(kinds(server)[0]).toBe('plain');
    const later = new Set(kinds(server).slice(1));
    if (later.size > 0) expect([...later]).toEqual([headers['etag'] === undefined ? 'plain' : 'conditional']);
    expect(document.state()).toMatchObject({ state: 'fresh', failures: 0 });
  });

  it('takes a changed document into use, and its new ETag for the next question', async () => {
    let version = 1;
    await using server = await startScriptedServer({ script: versions({ etag: 'v' }, () => version) });
    const { document, live } = setup(server);
    await document.get();
    await live(2 * MINUTE);
    version = 2;
    await live(2 * MINUTE);
    expect(document.peek()).toEqual({ n: 2 });
    expect(server.seen.at(-1)?.headers['if-none-match']).toBe('"v2"');
    expect(document.state().fetches).toMatchObject({ changed: 2, failed: 0 });
  });

  it('keeps the same value while the body is the same, so that nothing is rebuilt', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    const { document, live } = setup(server);
    const first = await document.get();
    await live(5 * MINUTE);
    expect(await document.get()).toBe(first);
    expect(document.state().fetches).toMatchObject({ changed: 1, unchanged: 4 });
  });

  it('asks by Last-Modified where there is no ETag', async () => {
    await using server = await startScriptedServer({
      script: versions({ 'last-modified': new Date(0).toUTCString(), 'cache-control': 'max-age=60' }),
    });
    const { document, live } = setup(server);
    await document.get();
    await live(2 * MINUTE);
    expect(server.seen[1]?.headers['if-modified-since']).toBe(new Date(0).toUTCString());
  });

  it('a 304 to a question without validators is a fault, not an empty document', async () => {
    await using server = await startScriptedServer({
      script: (_, response) => void response.writeHead(304).end(),
    });
    const { document } = setup(server);
    await expect(document.get()).rejects.toThrow(Unavailable);
    expect(document.state().lastError).toMatch(/304/);
  });
});

describe('single flight', () => {
  it('5,000 cold callers cause one fetch', async () => {
    await using server = await startScriptedServer({
      script: (_, response) => void setTimeout(() => sendJson(response, { n: 1 }), 30),
    });
    const { document } = setup(server);
    const values = await Promise.all(Array.from({ length: 5000 }, () => document.get()));
    expect(new Set(values).size).toBe(1);
    expect(server.seen).toHaveLength(1);
  });

  it('5,000 cold callers of a broken IdP cause one fetch, and later ones wait for the back-off', async () => {
    await using server = await startScriptedServer({
      script: (_, response) => void response.writeHead(500).end(),
    });
    const { document, clock } = setup(server);
    const results = await Promise.allSettled(Array.from({ length: 5000 }, () => document.get()));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    await expect(document.get()).rejects.toMatchObject({ name: 'Unavailable', retryAfterSeconds: 1 });
    expect(server.seen).toHaveLength(1);
    clock.advance(SECOND);
    await expect(document.get()).rejects.toThrow(Unavailable);
    expect(server.seen).toHaveLength(2);
  });

  it('a caller never waits for a refresh while a document is held', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    const { document, clock } = setup(server);
    await document.get();
    server.answer(() => undefined);
    clock.advance(HOUR);
    const began = performance.now();
    for (let i = 0; i < 100; i++) expect(await document.get()).toEqual({ n: 1 });
    expect(performance.now() - began).toBeLessThan(450);
    expect(document.state()).toMatchObject({ state: 'stale', lastGoodAt: clock.now() - HOUR });
    await document.refresh();
    expect(server.seen).toHaveLength(2);
  });
});

describe('an IdP that is down', () => {
  it('a day long, with a restart in it: always served; back: fresh within the floor', async () => {
    await using server = await startScriptedServer({ script: versions({ 'cache-control': 'max-age=600' }) });
    const store = memoryStore();
    const before = setup(server, { store });
    await before.document.get();
    await server.goDown();
    await before.live(12 * HOUR);
    expect(await before.document.get()).toEqual({ n: 1 });
    expect(before.document.state()).toMatchObject({ state: 'stale' });
    expect(before.document.state().ageMs).toBeGreaterThanOrEqual(12 * HOUR);

    const wall = before.clock.now();
    const after = setup(server, { store, clock: testClock(wall) });
    expect(await after.document.get()).toEqual({ n: 1 });
    await after.live(12 * HOUR);
    expect(await after.document.get()).toEqual({ n: 1 });
    expect(after.document.state()).toMatchObject({ state: 'stale' });
    expect(after.document.state().ageMs).toBeGreaterThanOrEqual(24 * HOUR);
    expect(after.document.state().lastError).toMatch(/cannot be reached \(ECONNREFUSED\)/);
    // One warning for one cause, not one per attempt.
    expect(after.log.lines.filter((line) => line.level === 'warn')).toHaveLength(1);
    expect(after.document.state().failures).toBeLessThan((12 * HOUR) / (50 * SECOND));

    await server.comeBack();
    await after.live(MINUTE);
    expect(after.document.state()).toMatchObject({ state: 'fresh', failures: 0, lastError: undefined });
  });

  it('a stored document from another place is not used', async () => {
    await using first = await startScriptedServer({ script: versions({}) });
    const store = memoryStore();
    await setup(first, { store }).document.get();
    await using second = await startScriptedServer({ script: versions({}) });
    await second.goDown();
    const moved = setup(second, { store });
    await expect(moved.document.get()).rejects.toThrow(Unavailable);
    expect(moved.log.lines.map(({ members }) => JSON.stringify(members)).join('')).toContain('it is from');
    await first.goDown();
    expect(await setup(first, { store }).document.get()).toEqual({ n: 1 });
  });

  it('after a start without a stored document: Unavailable, and well by itself later', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    await server.goDown();
    const { document, live } = setup(server);
    await expect(document.get()).rejects.toThrow(Unavailable);
    expect(document.state()).toMatchObject({ state: 'none', lastGoodAt: undefined });
    await server.comeBack();
    await live(MINUTE);
    expect(await document.get()).toEqual({ n: 1 });
  });

  it('past stale_if_error the document is no longer served', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    const { document, clock } = setup(server);
    await document.get();
    await server.goDown();
    clock.advance(7 * DAY + 30 * SECOND);
    expect(await document.get()).toEqual({ n: 1 });
    await document.refresh();
    clock.advance(MINUTE);
    await expect(document.get()).rejects.toThrow(Unavailable);
    expect(document.state().state).toBe('none');
    await server.comeBack();
    clock.advance(MINUTE);
    expect(await document.get()).toEqual({ n: 1 });
  });

  it('the back-off grows to the floor and no further, Retry-After included', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    const { document, live } = setup(server);
    await document.get();
    server.answer((_, response) => void response.writeHead(503, { 'retry-after': '86400' }).end());
    await live(HOUR);
    const asked = server.seen.length - 1;
    expect(asked).toBeGreaterThanOrEqual(59);
    expect(asked).toBeLessThanOrEqual(70);
    expect(document.state().fetches.failedBy).toEqual({ status: asked });
  });

  it.each<[string, Script]>([
    ['500', (_, response) => void response.writeHead(500).end()],
    [
      '404 as JSON',
      (_, response) => {
        sendJson(response, { n: 7 }, {}, 404);
      },
    ],
    ['HTML', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    [
      'text/plain',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end('{"n":7}'),
    ],
    ['no content type', (_, response) => void response.writeHead(200).end('{"n":7}')],
    [
      'empty',
      (_, response) => {
        sendJson(response, '');
      },
    ],
    [
      'truncated',
      (_, response) => {
        sendJson(response, '{"n":');
      },
    ],
    [
      'not fit for use',
      (_, response) => {
        sendJson(response, {});
      },
    ],
    ['a redirect', (_, response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
    ['a reset', (_, response) => void response.destroy()],
    [
      'too large',
      (_, response) => {
        sendJson(response, { n: 7, x: 'x'.repeat(20_000) });
      },
    ],
    ['silence', () => undefined],
  ])('%s: the last good one stays in use, the cause is told', async (_name, script) => {
    await using server = await startScriptedServer({ script: versions({}) });
    const { document, clock, log } = setup(server);
    await document.get();
    server.answer(script);
    clock.advance(2 * MINUTE);
    await document.refresh();
    expect(await document.get()).toEqual({ n: 1 });
    expect(document.state()).toMatchObject({ state: 'stale', failures: 1 });
    expect(document.state().lastError).toBeTruthy();
    expect(log.lines.filter((line) => line.level === 'warn')).toHaveLength(1);
  });
});

describe('clocks', () => {
  it.each([DAY, -DAY, 3650 * DAY])('a jump of the wall clock by %d ms changes nothing', async (jump) => {
    await using server = await startScriptedServer({
      script: versions({ 'cache-control': 'max-age=600' }),
    });
    const { document, clock, live } = setup(server);
    await document.get();
    clock.jump(jump);
    await live(5 * MINUTE);
    expect(server.seen).toHaveLength(1);
    expect(document.state().state).toBe('fresh');
    await live(10 * MINUTE);
    expect(server.seen.length).toBeLessThanOrEqual(3);
  });

  it('a stored document from the future counts as new, one from the past by its age', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    const store = memoryStore();
    await setup(server, { store }).document.get();
    await server.goDown();
    const past = setup(server, { store, clock: testClock(Date.UTC(2020, 0, 1)) });
    expect(await past.document.get()).toEqual({ n: 1 });
    const later = setup(server, { store, clock: testClock(Date.UTC(2026, 0, 20)) });
    await expect(later.document.get()).rejects.toThrow(Unavailable);
  });
});

describe('what is persisted', () => {
  it('is written when it changes, and else about once an hour', async () => {
    await using server = await startScriptedServer({ script: versions({ etag: 'v' }) });
    const store = memoryStore();
    const { document, live } = setup(server, { store });
    await document.get();
    await live(30 * MINUTE);
    expect(store.saves).toBe(1);
    await live(HOUR);
    expect(store.saves).toBe(2);
    const [stored] = store.documents.values();
    expect(stored).toMatchObject({
      providerId: 'main',
      kind: 'metadata',
      url: `${server.url}/document`,
      body: '{"n":1}',
    });
    expect(stored?.headers).toMatchObject({ etag: '"v1"' });
    expect(Number.isInteger(stored?.fetchedAt)).toBe(true);
  });

  it('is asked about conditionally at the next start, at once', async () => {
    await using server = await startScriptedServer({
      script: versions({ etag: 'v', 'cache-control': 'max-age=3600' }),
    });
    const store = memoryStore();
    await setup(server, { store }).document.get();
    const next = setup(server, { store });
    await next.document.load();
    await next.document.refreshIfDue();
    expect(kinds(server)).toEqual(['plain', 'conditional']);
    expect(next.document.state().fetches).toMatchObject({ changed: 0, notModified: 1 });
  });

  it('is ignored where it no longer passes, and a broken store stops nothing', async () => {
    await using server = await startScriptedServer({ script: versions({}) });
    const store = memoryStore();
    await store.save({
      providerId: 'main',
      kind: 'metadata',
      url: 'x',
      body: '{}',
      headers: {},
      fetchedAt: 0,
    });
    expect(await setup(server, { store }).document.get()).toEqual({ n: 1 });
    const broken = {
      load: () => Promise.reject(new Error('no')),
      save: () => Promise.reject(new Error('no')),
    };
    const { document, log } = setup(server, { store: broken });
    expect(await document.get()).toEqual({ n: 1 });
    expect(log.lines.map((line) => line.level)).toEqual(['warn', 'warn']);
  });
});

describe('what is handed on', () => {
  it('counts down from what the IdP granted, whatever the floor', async () => {
    await using server = await startScriptedServer({ script: versions({ 'cache-control': 'max-age=30' }) });
    const { document, clock } = setup(server);
    await document.get();
    expect(document.outward()?.freshness.maxAgeSeconds).toBe(30);
    clock.advance(20 * SECOND);
    expect(document.outward()?.freshness.maxAgeSeconds).toBe(10);
    clock.advance(20 * SECOND);
    expect(document.outward()).toMatchObject({ body: '{"n":1}', freshness: { maxAgeSeconds: 0 } });
  });
});
