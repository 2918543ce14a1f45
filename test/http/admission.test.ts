/** How much is worked on at once: per connection, in all, and what is refused last. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../../src/http/exchange.ts';
import { sendRaw, startApp, statusOf, type TestApp, type TestAppOptions } from './support.ts';

const get = 'GET /.well-known/openid-configuration HTTP/1.1\r\nhost: x\r\n\r\n';

/** A service whose answers wait until they are let go. */
async function held(
  options: TestAppOptions = {},
): Promise<TestApp & { started: () => number; release: () => void }> {
  let started = 0;
  const gate = Promise.withResolvers<undefined>();
  const wait = async (): Promise<Reply> => {
    started++;
    await gate.promise;
    return { status: 200, body: { done: true } };
  };
  const handlers = {
    getConfiguration: wait,
    getServer: wait,
    token: wait,
    getThing: wait,
    authorize: wait,
    legacyRefresh: wait,
  };
  const app = await startApp({ handlers, ...options });
  return Object.assign(app, { started: () => started, release: () => gate.resolve(undefined) });
}

async function occupy(app: TestApp, count: number): Promise<Promise<Response>[]> {
  const asked = Array.from({ length: count }, () => fetch(`${app.url}/.well-known/openid-configuration`));
  await sleep(150);
  return asked;
}

describe('one connection', () => {
  it('gets an answer to each of a few pipelined requests, in order', async () => {
    await using app = await startApp({
      handlers: { getConfiguration: (request) => ({ status: 200, body: { n: request.query.get('n') } }) },
    });
    const requests = Array.from({ length: 20 }, (_, n) =>
      get.replace('configuration', `configuration?n=${String(n)}`),
    );
    const answer = await sendRaw(app.port, requests.join(''), 400);
    expect([...answer.matchAll(/"n":"(\d+)"/g)].map(([, n]) => Number(n))).toEqual(requests.map((_, n) => n));
  });

  it('cannot have more than a few dozen unanswered requests: it is cut off', async () => {
    await using app = await held();
    const began = performance.now();
    const answer = await sendRaw(app.port, get.repeat(1000), 3_000);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(app.started()).toBeLessThanOrEqual(32);
    expect(answer).toBe('');
    app.release();
    expect((await fetch(`${app.url}/.well-known/openid-configuration`)).status).toBe(200);
  });

  it('that sends hundreds at once is cut off even if each is answered in no time', async () => {
    await using app = await startApp();
    const answer = await sendRaw(app.port, get.repeat(1000), 3_000);
    expect([...answer.matchAll(/HTTP\/1\.1 200/g)].length).toBeLessThanOrEqual(32);
    expect((await fetch(`${app.url}/.well-known/openid-configuration`)).status).toBe(200);
  });

  it('that is cut off is not even parsed any further', async () => {
    await using app = await startApp();
    let parsed = 0;
    const count = (): void => {
      parsed++;
    };
    subscribe('http.server.request.start', count);
    // All of it is read at once: some 400 requests a connection.
    await Promise.all(Array.from({ length: 10 }, () => sendRaw(app.port, get.repeat(1000), 3_000)));
    unsubscribe('http.server.request.start', count);
    expect(parsed).toBeGreaterThan(100);
    expect(parsed).toBeLessThanOrEqual(10 * 40);
    expect((await fetch(`${app.url}/.well-known/openid-configuration`)).status).toBe(200);
  });

  it('that floods leaves others alone', async () => {
    await using app = await held();
    const floods = Array.from({ length: 20 }, () => sendRaw(app.port, get.repeat(500), 2_000));
    await sleep(150);
    expect(app.started()).toBeLessThanOrEqual(20 * 32);
    // What waits costs nothing: once that was measured there is room for more.
    await sleep(300);
    const other = fetch(`${app.url}/.well-known/oauth-authorization-server`);
    await sleep(50);
    app.release();
    expect((await other).status).toBe(200);
    await Promise.all(floods);
  });

  it('that goes away gives its room back', async () => {
    await using app = await held({ requestsInFlight: 10 });
    const socket = connect(app.port, '127.0.0.1', () => socket.write(get.repeat(10)));
    await sleep(150);
    expect((await fetch(`${app.url}/.well-known/openid-configuration`)).status).toBe(503);
    socket.destroy();
    app.release();
    await sleep(100);
    expect((await fetch(`${app.url}/.well-known/openid-configuration`)).status).toBe(200);
  });
});

describe('the process', () => {
  it.each([
    ['OAuth', '/.well-known/oauth-authorization-server', { error: 'temporarily_unavailable' }],
    ['Matrix', '/_matrix/client/v3/thing', { errcode: 'M_UNKNOWN' }],
  ])('is full: 503 at once in the words of %s', async (_dialect, path, body) => {
    await using app = await held({ requestsInFlight: 10 });
    const first = await occupy(app, 10);
    const answer = await fetch(app.url + path);
    expect(answer.status).toBe(503);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'retry-after': '1',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    });
    expect(await answer.json()).toMatchObject(body);
    app.release();
    for (const asked of first) expect((await asked).status).toBe(200);
    expect((await fetch(app.url + path)).status).toBe(200);
  });

  it('is full: a page is refused too', async () => {
    await using app = await held({ requestsInFlight: 10 });
    const asked = await occupy(app, 10);
    const page = await fetch(`${app.url}/oauth2/authorize`);
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '1']);
    app.release();
    await Promise.all(asked);
  });

  it('refuses last what ends or prolongs a session, and then without an error of the protocol', async () => {
    await using app = await held({ requestsInFlight: 10 });
    const token = (): Promise<Response> =>
      fetch(`${app.url}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'refresh_token' }),
      });
    const asked = await occupy(app, 10);
    const admitted = Array.from({ length: 10 }, token);
    await sleep(150);
    expect(app.started()).toBe(20);
    const refused = await token();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({ message: expect.any(String) as string });
    app.release();
    for (const each of [...asked, ...admitted]) expect((await each).status).toBe(200);
  });

  it('counts what it refused', async () => {
    await using app = await held({ requestsInFlight: 10 });
    const asked = await occupy(app, 10);
    await fetch(`${app.url}/.well-known/openid-configuration`);
    const { text } = await app.metrics.render();
    expect(text).toMatch(/gatehouse_requests_shed_total 1/);
    app.release();
    await Promise.all(asked);
  });

  it('whose event loop is late takes nothing new while it has enough to do', async () => {
    let isHeld = true;
    let now = performance.now();
    await using app = await startApp({
      clock: { now: () => Date.now(), monotonic: () => now },
      handlers: {
        getConfiguration: async () => {
          while (isHeld) await sleep(20);
          return { status: 200, body: {} };
        },
      },
    });
    const asked = await occupy(app, 80);
    // The next look at the clock finds that a second has passed: the loop was late.
    now += 1_000;
    await expect
      .poll(async () => (await fetch(`${app.url}/_matrix/client/v3/thing`)).status, { interval: 10 })
      .toBe(503);
    isHeld = false;
    for (const each of asked) expect((await each).status).toBe(200);
    await expect.poll(async () => (await fetch(`${app.url}/_matrix/client/v3/thing`)).status).toBe(200);
  });

  it.each([
    ['a Matrix route', 'GET', '/_matrix/client/v3/thing', 503],
    ['metadata', 'GET', '/.well-known/oauth-authorization-server', 503],
    ['a page', 'GET', '/oauth2/authorize', 503],
    ['a refresh', 'POST', '/oauth2/token', 200],
  ])('whose event loop was really blocked sheds new work, and refreshes last: %s', async (...asks) => {
    const [, method, path, status] = asks;
    await using app = await held();
    const asked = await occupy(app, 80);
    const form = new URLSearchParams({ grant_type: 'refresh_token' });
    const init = method === 'POST' ? { method, body: form } : {};
    const answers: Promise<number>[] = [];
    for (let block = 0; block < 4; block++) {
      // Half a second in which nothing else gets a turn.
      for (const end = performance.now() + 500; performance.now() < end;);
      answers.push(fetch(app.url + path, init).then((answer) => answer.status));
      await sleep(5);
    }
    await sleep(100);
    app.release();
    const statuses = await Promise.all(answers);
    if (status === 503) expect(statuses).toContain(503);
    else expect(statuses).toEqual([200, 200, 200, 200]);
    for (const each of asked) expect((await each).status).toBe(200);
  });

  it('that is full still closes a connection that breaks the protocol', async () => {
    await using app = await held({ requestsInFlight: 10 });
    expect(statusOf(await sendRaw(app.port, 'garbage\r\n\r\n'))).toBe(400);
    app.release();
  });
});
