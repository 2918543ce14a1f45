import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { DocumentFault } from '../../src/upstream/documents/document-fault.ts';
import { parseKeySet } from '../../src/upstream/documents/jwks.ts';
import { parseMetadata } from '../../src/upstream/documents/metadata.ts';
import { startRefreshing } from '../../src/upstream/documents/refresh-timer.ts';
import { resolveSettings } from '../../src/upstream/resolved-settings.ts';
import { signingKey, startForgedIdp } from './support/forged-idp.ts';
import { memoryStore } from './support/memory-store.ts';
import { sendJson } from './support/scripted-server.ts';

const input = { redirectUri: 'https://x.example/cb', state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await delay(10);
  expect(condition()).toBe(true);
}

describe('a provider', () => {
  it('asks for nothing before it is started or used', async () => {
    await using idp = await startForgedIdp();
    await delay(20);
    expect(idp.server.seen).toHaveLength(0);
    expect(idp.provider.state()).toMatchObject({ metadata: 'none', keys: 'none' });
    expect(idp.provider.published()).toBeUndefined();
  });

  it('started, has both documents by itself, and says how fresh they are', async () => {
    await using idp = await startForgedIdp();
    idp.provider.start();
    idp.provider.start();
    await until(() => idp.provider.state().keys === 'fresh');
    expect(idp.server.seen.map((request) => request.path)).toEqual([
      '/.well-known/openid-configuration',
      '/jwks',
    ]);
    expect(idp.provider.state()).toMatchObject({ metadata: 'fresh', lastGoodAt: idp.clock.now() });
    idp.clock.advance(3_600_000);
    expect(idp.provider.state()).toMatchObject({ metadata: 'stale', keys: 'stale' });
    expect(idp.provider.state().documents.metadata?.ageMs).toBe(3_600_000);
  });

  it('tells who wants to know when the metadata changes, and hands on the document as it was sent', async () => {
    await using idp = await startForgedIdp();
    let changes = 0;
    const stop = idp.provider.onMetadataChange(() => changes++);
    await idp.provider.refresh();
    await idp.provider.refresh();
    expect(changes).toBe(1);
    idp.metadata = { service_documentation: 'https://docs.example/' };
    await idp.provider.refresh();
    expect(changes).toBe(2);
    const published = idp.provider.published();
    expect(published?.document).toMatchObject({ service_documentation: 'https://docs.example/' });
    expect(published?.document).not.toHaveProperty('grant_types_supported');
    expect(published?.freshness).toMatchObject({ maxAgeSeconds: 0, noCache: false });
    stop();
    idp.metadata = {};
    await idp.provider.refresh();
    expect(changes).toBe(2);
  });

  it('follows a key set that has moved, the old keys serving until the new are there', async () => {
    await using idp = await startForgedIdp();
    await idp.login();
    const next = await signingKey('two');
    const { answer } = idp.server;
    idp.metadata = { jwks_uri: `${idp.issuer}/moved` };
    idp.clock.advance(61_000);
    await idp.provider.refresh();
    expect(idp.provider.state().documents.jwks?.lastError).toMatch(/moved answered 404/);
    await idp.login();
    answer((request, response) => {
      if (request.path === '/moved') sendJson(response, { keys: [next.jwk] });
      else response.writeHead(404).end();
    });
    await idp.provider.refresh();
    expect(idp.provider.state().keys).toBe('fresh');
  });

  it('is closed quietly, a fetch under way included', async () => {
    const idp = await startForgedIdp();
    idp.server.answer(() => undefined);
    idp.provider.start();
    const login = idp.provider.authorizationUrl(input);
    login.catch(() => undefined);
    await until(() => idp.server.seen.length === 1);
    await idp[Symbol.asyncDispose]();
    await expect(login).rejects.toThrow(Unavailable);
    expect(idp.log.lines).toEqual([]);
  });

  it('does not wait longer than its time for a name that never resolves', async () => {
    await using idp = await startForgedIdp(
      { issuer: 'https://idp.example', timeout_seconds: 0.2 },
      { lookup: () => undefined },
    );
    const began = performance.now();
    await expect(idp.provider.authorizationUrl(input)).rejects.toThrow(Unavailable);
    expect(performance.now() - began).toBeLessThan(3000);
    expect(idp.provider.state().lastError).toMatch(/within 200 ms/);
  });

  it('stores nothing that is a secret', async () => {
    const documents = memoryStore();
    await using idp = await startForgedIdp({}, { documents });
    await idp.login();
    expect([...documents.documents.keys()].sort()).toEqual(['main jwks', 'main metadata']);
    expect(JSON.stringify([...documents.documents])).not.toContain('canary');
  });
});

describe('the background refresh', () => {
  it('asks for what is due, in order, and stops', async () => {
    const calls: string[] = [];
    let due = 0;
    const document = (name: string) => ({
      load: async () => {
        await delay(5);
        calls.push(`load ${name}`);
      },
      refreshIfDue: () => {
        calls.push(name);
        return Promise.resolve();
      },
      dueInMs: () => due,
    });
    const stop = startRefreshing([document('a'), document('b')]);
    await until(() => calls.length >= 6);
    expect(calls.slice(0, 6)).toEqual(['load a', 'load b', 'a', 'b', 'a', 'b']);
    due = Number.POSITIVE_INFINITY;
    stop();
    const length = calls.length;
    await delay(300);
    expect(calls).toHaveLength(length);
  });
});

describe('documents of any content', () => {
  const settings = resolveSettings({ id: 'main', issuer: 'https://idp.example', client_id: 'c' });
  const members = fc.dictionary(
    fc.constantFrom(
      'issuer',
      'authorization_endpoint',
      'token_endpoint',
      'jwks_uri',
      'scopes_supported',
      'keys',
      'x_endpoint',
    ),
    fc.oneof(fc.jsonValue(), fc.webUrl(), fc.constant('https://idp.example')),
  );

  it('are taken or refused as a document, never anything else', async () => {
    const judge = async (read: () => unknown): Promise<void> => {
      try {
        await read();
      } catch (error) {
        expect(error).toBeInstanceOf(DocumentFault);
      }
    };
    const jwk = fc.dictionary(
      fc.constantFrom('kty', 'kid', 'alg', 'use', 'n', 'e', 'x', 'y', 'crv', 'key_ops'),
      fc.oneof(
        fc.constantFrom('RSA', 'EC', 'OKP', 'P-256', 'Ed25519', 'RS256', 'sig', 'AQAB'),
        fc.jsonValue(),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          members.map((value) => JSON.stringify(value)),
        ),
        async (body) => {
          await judge(() => parseMetadata(body, settings));
          await judge(() => parseKeySet(body, () => undefined));
        },
      ),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(jwk), async (keys) => {
        await judge(() => parseKeySet(JSON.stringify({ keys }), () => undefined));
      }),
      { numRuns: 300 },
    );
  });
});
