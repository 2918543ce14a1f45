/** Verdicts that are kept for a while: how long, whose, and until what. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, test } from 'vitest';
import { createVerifier } from '../../src/verification/create-verifier.ts';
import { sendJson } from '../upstream/support/scripted-server.ts';
import { startTokenIdp, type TokenIdp } from './support.ts';

const opaque = 'opaque-token';

async function startAsked(tokens: Parameters<typeof startTokenIdp>[0] = {}): Promise<TokenIdp> {
  const peer = await startTokenIdp({ strategies: ['introspection'], ...tokens });
  peer.answer = (request, response) => {
    const token = new URLSearchParams(request.body).get('token') ?? '';
    sendJson(
      response,
      token.startsWith('bad') ? { active: false } : { active: true, sub: `of ${token}`, scope: 'mail' },
    );
  };
  return peer;
}

describe('a verdict', () => {
  test.each<[string, Parameters<typeof startTokenIdp>[0], number, string, number]>([
    ['that is good, a minute', {}, 59, opaque, 1],
    ['that is good, no longer than a minute', {}, 61, opaque, 2],
    ['that is good, as long as configured', { cache: { seconds: 10 } }, 11, opaque, 2],
    ['that is bad, five seconds', {}, 4, 'bad', 1],
    ['that is bad, no longer than five seconds', {}, 6, 'bad', 2],
    ['that is bad, as long as configured', { cache: { negative_seconds: 0 } }, 0, 'bad', 2],
    ['not at all where nothing is kept', { cache: { entries: 0 } }, 0, opaque, 2],
  ])('%s, is kept', async (_name, tokens, seconds, token, questions) => {
    await using peer = await startAsked(tokens);
    await peer.verify(token);
    peer.idp.clock.advance(seconds * 1000);
    await peer.verify(token);
    expect(peer.questions().length).toBe(questions);
  });

  it('is never kept past the expiry of the token', async () => {
    await using peer = await startAsked();
    peer.answer = (_request, response) => {
      sendJson(response, { active: true, sub: 'x', exp: Math.floor(peer.idp.clock.now() / 1000) + 10 });
    };
    expect(await peer.kindOf(opaque)).toBe('active');
    peer.answer = (_request, response) => {
      sendJson(response, { active: false });
    };
    peer.idp.clock.advance(11_000);
    expect(await peer.kindOf(opaque)).toBe('unknown');
  });

  it('is not kept where it was an outage', async () => {
    await using peer = await startAsked();
    await peer.idp.provider.metadata();
    await peer.idp.server.goDown();
    expect(await peer.kindOf(opaque)).toBe('unavailable');
    await peer.idp.server.comeBack();
    expect(await peer.kindOf(opaque)).toBe('active');
  });

  it('stands while the provider is down, until its time; other tokens are an outage then', async () => {
    await using peer = await startAsked();
    expect(await peer.kindOf(opaque)).toBe('active');
    await peer.idp.server.goDown();
    peer.idp.clock.advance(50_000);
    expect(await peer.kindOf(opaque)).toBe('active');
    expect(await peer.kindOf('other')).toBe('unavailable');
    peer.idp.clock.advance(20_000);
    expect(await peer.kindOf(opaque)).toBe('unavailable');
  });

  it('is one for all who ask at the same time', async () => {
    await using peer = await startAsked();
    const all = await Promise.all(Array.from({ length: 100 }, () => peer.kindOf(opaque)));
    expect(new Set(all)).toEqual(new Set(['active']));
    expect(peer.questions().length).toBe(1);
    expect(peer.outcomes.filter((outcome) => outcome === 'shared').length).toBe(99);
  });

  it('is forgotten at once when its token is revoked, or its person signed out', async () => {
    await using peer = await startAsked();
    await peer.verify('a');
    await peer.verify('b');
    peer.verifier.forget('a');
    await peer.verify('a');
    await peer.verify('b');
    expect(peer.questions().length).toBe(3);
    peer.verifier.forgetAll(({ subject }) => subject === 'of b');
    await peer.verify('a');
    await peer.verify('b');
    expect(peer.questions().length).toBe(4);
  });

  it('that was asked for before a revocation is not kept after it', async () => {
    await using peer = await startAsked();
    const answered = Promise.withResolvers<undefined>();
    const arrived = Promise.withResolvers<undefined>();
    peer.answer = async (_request, response) => {
      arrived.resolve(undefined);
      await answered.promise;
      sendJson(response, { active: true, sub: 'x' });
    };
    const first = peer.kindOf(opaque);
    await arrived.promise;
    peer.verifier.forget(opaque);
    answered.resolve(undefined);
    expect(await first).toBe('active');
    peer.answer = (_request, response) => {
      sendJson(response, { active: false });
    };
    expect(await peer.kindOf(opaque)).toBe('unknown');
  });

  it('is that of its own token: two that differ in one letter share nothing', async () => {
    await using peer = await startAsked();
    const [a, b] = [await peer.verify(`${opaque}a`), await peer.verify(`${opaque}b`)];
    expect([a, b]).toMatchObject([
      { token: { subject: `of ${opaque}a` } },
      { token: { subject: `of ${opaque}b` } },
    ]);
  });

  it('for one scope is no verdict for another', async () => {
    await using peer = await startAsked();
    await using verifier = createVerifier({
      providers: [
        {
          id: 'main',
          issuer: peer.idp.issuer,
          client_id: 'gatehouse',
          client_secret: 'x',
          tokens: { strategies: ['introspection'] },
        },
      ],
    });
    expect(await verifier.verify(opaque, { scope: ['mail'] })).toMatchObject({ kind: 'active' });
    expect(await verifier.verify(opaque, { scope: ['admin'] })).toMatchObject({
      fault: 'insufficient_scope',
    });
    expect(await verifier.verify(opaque, { scope: ['mail'] })).toMatchObject({ kind: 'active' });
    expect(peer.questions().length).toBe(1);
  });

  it('costs a bounded memory', async () => {
    await using peer = await startAsked({ cache: { entries: 3 } });
    for (const token of ['1', '2', '3', '4', '4', '3', '1']) await peer.verify(token);
    expect(peer.questions().length).toBe(5);
  });
});

describe('a provider that does not answer', () => {
  it('is an outage after the configured time, and has no more connections than it may', async () => {
    await using peer = await startAsked({ timeout_seconds: 1, concurrency: 4 });
    await peer.idp.provider.metadata();
    let open = 0;
    let most = 0;
    peer.answer = async (_request, response) => {
      most = Math.max(most, ++open);
      response.on('close', () => open--);
      await delay(5000, undefined, { ref: false });
      response.destroy();
    };
    const began = performance.now();
    const kinds = await Promise.all(Array.from({ length: 50 }, (_, i) => peer.kindOf(`t${String(i)}`)));
    expect(new Set(kinds)).toEqual(new Set(['unavailable']));
    expect(performance.now() - began).toBeLessThan(4000);
    expect(most).toBeLessThanOrEqual(4);
    expect(peer.questions().length).toBeLessThanOrEqual(8);
    // Nothing that concerns logins was held up meanwhile.
    expect(await peer.idp.provider.metadata()).toBeDefined();
  });
});
