import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noDocuments, passthroughDocuments } from '../../src/metadata/published-metadata.ts';
import { buildMetadata } from '../../src/metadata/build.ts';
import { passthroughFitness } from '../../src/composition/provider-rules.ts';
import { MatrixError } from '../../src/protocol/matrix-error.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { createProvider, type Provider } from '../../src/upstream/provider.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { startIdp } from '../peers/idp.ts';
import { seededRandom, testClock, type TestClock } from '../support/clock.ts';
import { ask } from '../support/oauth-client.ts';
import { testLog } from '../upstream/support/log.ts';
import { memoryStore } from '../upstream/support/memory-store.ts';
import { sendJson, startScriptedServer, type ScriptedServer } from '../upstream/support/scripted-server.ts';

let server: ScriptedServer;
let clock: TestClock;
let provider: Provider;
let log: ReturnType<typeof testLog>;
let documents: ReturnType<typeof memoryStore>;
let cacheHeaders: Record<string, string> = {};
let change: Record<string, unknown> = {};
const overrides: Record<string, unknown> = {};

beforeEach(async () => {
  clock = testClock();
  log = testLog();
  documents = memoryStore();
  cacheHeaders = {};
  change = {};
  for (const name of Object.keys(overrides)) Reflect.deleteProperty(overrides, name);
  server = await startScriptedServer({
    script: (_request, response) => {
      sendJson(response, { ...buildMetadata(server.url), not_registered: 1, ...change }, cacheHeaders);
    },
  });
});
afterEach(async () => {
  await provider.close();
  await server[Symbol.asyncDispose]();
});

async function publish(): Promise<ReturnType<typeof passthroughDocuments>> {
  provider = createProvider({
    settings: {
      id: 'main',
      issuer: server.url,
      client_id: 'gatehouse',
      client_secret: 'secret',
      discovery: { overrides, stale_if_error_seconds: 3600 },
    },
    clock,
    random: seededRandom('passthrough'),
    log,
    documents,
    whyUnfit: passthroughFitness({ mode: 'passthrough' }, { issuer: server.url, discovery: { overrides } }),
  });
  await provider.refresh();
  return passthroughDocuments({ provider, overrides, clock });
}

/** Reasons why the metadata could not be had, as the log tells them. */
const warnings = (): unknown[] =>
  log.lines
    .filter(({ level, members }) => level === 'warn' && members['document'] === 'metadata')
    .map(({ members }) => members['reason']);
const bodyOf = (published: ReturnType<typeof passthroughDocuments>): Record<string, unknown> =>
  JSON.parse(String(published.metadata.reply({}).body)) as Record<string, unknown>;
const cacheControl = (published: ReturnType<typeof passthroughDocuments>): unknown =>
  published.metadata.reply({}).headers?.['cache-control'];

describe('in passthrough mode, auth_metadata', () => {
  it("is the provider's document without what nobody has registered", async () => {
    const published = await publish();
    expect(bodyOf(published)).toEqual(buildMetadata(server.url));
    expect(JSON.parse(String(published.issuer.reply({}).body))).toEqual({ issuer: server.url });
  });

  it("is completed by the operator's overrides, and then not signed any more", async () => {
    change = { signed_metadata: 'eyJ', registration_endpoint: undefined };
    overrides['registration_endpoint'] = 'https://register.example.com/';
    const body = bodyOf(await publish());
    expect(body['registration_endpoint']).toBe('https://register.example.com/');
    expect(body).not.toHaveProperty('signed_metadata');
  });

  it.each([
    'revocation_endpoint',
    'registration_endpoint',
    'response_types_supported',
    'response_modes_supported',
    'grant_types_supported',
    'code_challenge_methods_supported',
  ])('is 503, never 404, where the document lacks %s, and names it', async (member) => {
    change = { [member]: undefined };
    const published = await publish();
    expect(() => published.metadata.reply({})).toThrow(Unavailable);
    expect(provider.state()).toMatchObject({ metadata: 'none' });
    expect(provider.state().lastError).toContain(`${member} is missing`);
  });

  it('is served as soon as the provider has fixed its document', async () => {
    change = { response_modes_supported: ['query'] };
    const published = await publish();
    expect(() => published.metadata.reply({})).toThrow(Unavailable);
    change = {};
    clock.advance(25 * 3_600_000);
    await provider.refresh();
    expect(bodyOf(published)).toEqual(buildMetadata(server.url));
    expect(provider.state()).toMatchObject({ metadata: 'fresh' });
  });

  it.each<[string, unknown, RegExp]>([
    ['code_challenge_methods_supported', [], /must contain S256/],
    ['code_challenge_methods_supported', ['plain'], /must contain S256/],
    ['code_challenge_methods_supported', null, /is missing/],
    ['code_challenge_methods_supported', 'S256', /code_challenge_methods_supported is not an array/],
    ['response_modes_supported', ['query'], /must contain fragment/],
    ['grant_types_supported', ['authorization_code'], /must contain refresh_token/],
    ['registration_endpoint', undefined, /registration_endpoint is missing/],
    ['registration_endpoint', '', /registration_endpoint is missing/],
    ['revocation_endpoint', undefined, /revocation_endpoint is missing/],
    ['revocation_endpoint', 'https://idp.example.com/#x', /revocation_endpoint is missing/],
    ['token_endpoint', undefined, /no token_endpoint/],
    ['issuer', 'https://other.example.com', /states the issuer/],
  ])(
    'stays the last fit one where %s becomes %j: degraded, told once, until it is too old',
    async (...unfit) => {
      const [member, value, reason] = unfit;
      const published = await publish();
      change = { [member]: value };
      for (let times = 0; times < 4; times++) {
        clock.advance(120_000);
        await provider.refresh();
      }
      expect(bodyOf(published)).toEqual(buildMetadata(server.url));
      expect(cacheControl(published)).toBe('public, max-age=0');
      expect(provider.state()).toMatchObject({ metadata: 'stale' });
      expect(provider.state().lastError).toMatch(reason);
      expect(warnings()).toEqual([provider.state().lastError]);

      await server.goDown();
      clock.advance(120_000);
      await provider.refresh();
      expect(bodyOf(published)).toEqual(buildMetadata(server.url));
      await provider.close();
      const again = await publish();
      await provider.metadata();
      expect(bodyOf(again)).toEqual(buildMetadata(server.url));

      clock.advance(3_600_000);
      expect(() => again.metadata.reply({})).toThrow(Unavailable);
      await server.comeBack();
      change = {};
      await provider.refresh();
      expect(bodyOf(again)).toEqual(buildMetadata(server.url));
    },
  );

  it.each<[string, unknown]>([
    ['scopes_supported', ['openid']],
    ['device_authorization_endpoint', 'https://idp.example.com/device'],
    ['introspection_endpoint', undefined],
    ['introspection_endpoint', 'not a URL'],
    ['claims_supported', ['sub', null]],
    ['code_challenge_methods_supported', ['S256', 'plain']],
  ])('follows the provider where %s becomes %j, which clients can use', async (member, value) => {
    const published = await publish();
    change = { [member]: value };
    clock.advance(120_000);
    await provider.refresh();
    expect(bodyOf(published)).not.toEqual(buildMetadata(server.url));
    expect(provider.state()).toMatchObject({ metadata: 'fresh' });
    expect(warnings()).toEqual([]);
  });

  it.each([
    [{ 'cache-control': 'max-age=300' }, 'public, max-age=300'],
    [{ 'cache-control': 'max-age=300', age: '100' }, 'public, max-age=200'],
    [{ 'cache-control': 'max-age=300', age: '100000' }, 'public, max-age=0'],
    [{ 'cache-control': 'max-age=300, s-maxage=9999' }, 'public, max-age=300'],
    [{ 'cache-control': 'private, max-age=300' }, 'private, max-age=300'],
    [{}, 'public, max-age=0'],
    [{ 'cache-control': 'no-store' }, 'no-cache'],
    [{ 'cache-control': 'no-cache' }, 'no-cache'],
    [
      { 'cache-control': 'max-age=300, stale-while-revalidate=60, stale-if-error=90' },
      'public, max-age=300, stale-while-revalidate=60, stale-if-error=90',
    ],
    [
      { 'cache-control': 'max-age=300, must-revalidate, stale-if-error=90' },
      'public, max-age=300, must-revalidate',
    ],
  ])('is never fresher than the provider says: %j', async (headers, expected) => {
    cacheHeaders = headers;
    expect(cacheControl(await publish())).toBe(expected);
  });

  it('ages', async () => {
    cacheHeaders = { 'cache-control': 'max-age=300', age: '100' };
    const published = await publish();
    clock.advance(150_000);
    expect(cacheControl(published)).toBe('public, max-age=50');
    clock.advance(150_000);
    expect(cacheControl(published)).toBe('public, max-age=0');
  });

  it('answers If-None-Match with 304', async () => {
    const published = await publish();
    const etag = String(published.metadata.reply({}).headers?.['etag']);
    expect(published.metadata.reply({ 'if-none-match': etag }).status).toBe(304);
  });
});

describe('a service in passthrough mode', () => {
  it('serves the metadata of a real provider, also while it is down, and issues no tokens', async () => {
    provider = createProvider({
      settings: { id: 'unused', issuer: server.url, client_id: 'x' },
      clock,
      random: seededRandom('unused'),
      log: testLog(),
    });
    const idp = await startIdp({});
    const at = (path: string): string => `${idp.issuer}/${path}`;
    const env = {
      GATEHOUSE__MODE: 'passthrough',
      GATEHOUSE__PROVIDERS__0__DISCOVERY__OVERRIDES: JSON.stringify({
        registration_endpoint: at('reg'),
        revocation_endpoint: at('token/revocation'),
      }),
    };
    await idp.close();
    let gatehouse: Gatehouse | undefined;
    try {
      gatehouse = await startGatehouse({ env });
      const answer = await ask(`${gatehouse.url}_matrix/client/v1/auth_metadata`);
      expect(answer.body).toMatchObject({ issuer: gatehouse.idp.issuer, registration_endpoint: at('reg') });
      expect(await ask(`${gatehouse.url}oauth2/token`, { method: 'POST' })).toMatchObject({ status: 404 });
      expect(await ask(`${gatehouse.url}_matrix/client/v3/account/whoami`)).toMatchObject({
        status: 401,
        body: { errcode: 'M_MISSING_TOKEN' },
      });
      await gatehouse.idp.goDown();
      expect(await ask(`${gatehouse.url}.well-known/openid-configuration`)).toMatchObject({ status: 200 });
    } finally {
      await gatehouse?.[Symbol.asyncDispose]();
    }
  });
});

describe('a service whose OAuth API is switched off', () => {
  it('says so by 404 M_UNRECOGNIZED', () => {
    provider = createProvider({
      settings: { id: 'unused', issuer: server.url, client_id: 'x' },
      clock,
      random: seededRandom('unused'),
      log: testLog(),
    });
    expect(() => noDocuments().metadata.reply({})).toThrow(MatrixError);
  });
});
