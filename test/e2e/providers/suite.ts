/** What every identity provider must be good for, whichever it is: the suite that each file here runs against its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { discoveryUrl } from '../../../src/upstream/documents/discovery-url.ts';
import { createProvider, type Provider } from '../../../src/upstream/provider.ts';
import { freePort } from '../../support/free-port.ts';
import {
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postJson,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../../support/oauth-client.ts';
import { startGatehouseBefore, redirectUriOf, type GatehouseBefore } from './gatehouse-before.ts';
import { runDoctor } from './doctor.ts';
import { installationLog } from './programs.ts';
import { alice, bob, type Person, type RealProvider, type Visitor } from './real-provider.ts';

const quiet = { debug: noop, info: noop, warn: noop, error: noop };
const DAY = 86_400;
/** Where an app without OAuth gets its login token. */
const legacyApp = 'https://app.example/';

export interface ProviderUnderTest {
  /** As `.ci/providers/install` calls it. */
  readonly name: string;
  /** The product's own name. */
  readonly title: string;
  readonly installed: boolean;
  /** Starts it with two accounts, and a client that has this redirect URI. */
  start(redirectUri: string): Promise<RealProvider>;
  /** Whether it has a session of its own, so that a browser is not asked for the password twice. Default true. */
  readonly remembers?: boolean;
  /** Whether it has the password grant for our client. Default false. */
  readonly takesPasswords?: boolean;
  /** How long starting it may take. Default 60. */
  readonly startSeconds?: number;
  /** What the doctor warns of, by code. Default: nothing. */
  readonly warnings?: readonly string[];
  /** Checks what the documentation says of this one; gets its metadata document as it came, and its headers. */
  facts(document: Record<string, unknown>, headers: Headers): void;
}

/**
 * Runs the suite. Without the program it is skipped, as a registry that is down is no fault of ours; with `GATEHOUSE_REQUIRE_PROVIDERS` set it fails.
 */
export function describeProvider(test: ProviderUnderTest): void {
  const isRequired = (process.env['GATEHOUSE_REQUIRE_PROVIDERS'] ?? '') !== '';
  if (!test.installed && isRequired) {
    it(`${test.title} is installed`, () => {
      throw new Error(
        `${test.title} is missing; .ci/providers/install ${test.name} said: ${installationLog(test.name)}`,
      );
    });
  }
  const why = test.installed ? '' : ` (not installed: .ci/providers/install ${test.name})`;
  describe.skipIf(!test.installed)(test.title + why, () => {
    runSuite(test);
  });
}

function runSuite(test: ProviderUnderTest): void {
  let provider: RealProvider;
  let gatehouse: GatehouseBefore;
  let client: TestClient;
  let visitor: Visitor;
  let tokens: TokenSet;
  let [she, he] = [alice, bob];

  beforeAll(
    async () => {
      const port = await freePort();
      provider = await test.start(redirectUriOf(`http://127.0.0.1:${String(port)}/`));
      [she, he] = provider.people ?? [alice, bob];
      gatehouse = await startGatehouseBefore(provider, port);
      client = await registerTestClient(gatehouse);
      visitor = await provider.newVisitor();
    },
    ((test.startSeconds ?? 60) + 30) * 1000,
  );
  afterAll(async () => {
    await visitor?.close();
    await gatehouse?.close();
    await provider?.stop();
  });

  async function signIn(by: Visitor, person: Person, device: string): Promise<TokenSet & { asked: boolean }> {
    const authorizationUrl = client.authorizeUrl({ scope: `${API_SCOPE} ${DEVICE_SCOPE}${device}` });
    const { url, asked } = await by.signIn(authorizationUrl, client.redirectUri, person);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      code: expect.any(String),
      iss: gatehouse.url,
    });
    const answer = await client.redeem(url.searchParams.get('code') ?? '');
    expect(answer).toMatchObject({ status: 200 });
    return { ...(answer.body as unknown as TokenSet), asked };
  }

  async function expectSignedIn(token: string, person: Person, device: string): Promise<void> {
    expect(await gatehouse.whoami(token)).toMatchObject({
      status: 200,
      body: { user_id: `@${person.login}:example.org`, device_id: device },
    });
    expect(await gatehouse.introspect(token)).toMatchObject({
      status: 200,
      body: { active: true, username: person.login, device_id: device },
    });
  }

  const v3 = (path: string): string => `${gatehouse.url}_matrix/client/v3/${path}`;

  function logIn({ login, password }: Person, more: object = {}): ReturnType<typeof postJson> {
    const identifier = { type: 'm.id.user', user: login };
    return postJson(v3('login'), { type: 'm.login.password', identifier, password, ...more });
  }

  async function keyIds(): Promise<unknown[]> {
    const { body: metadata } = await ask(discoveryUrl(provider.issuer, 'oidc'));
    const { body } = await ask(String(metadata['jwks_uri']));
    return (body['keys'] as { kid?: string }[]).map(({ kid }) => kid);
  }

  it('has metadata and keys that the adapter takes, and is as documented', async () => {
    const settings = {
      id: 'probe',
      issuer: provider.issuer,
      client_id: provider.clientId,
      client_secret: provider.clientSecret,
      ...provider.settings,
    };
    const probe: Provider = createProvider({
      settings,
      clock: systemClock,
      random: systemRandom,
      log: quiet,
    });
    await probe.refresh();
    expect(probe.state()).toMatchObject({ metadata: 'fresh', keys: 'fresh' });
    expect(probe.state()).not.toHaveProperty('lastError');
    const { document } = await probe.metadata();
    expect(document['issuer']).toBe(provider.issuer);
    await probe.close();
    const { headers } = await ask(discoveryUrl(provider.issuer, 'oidc'));
    test.facts({ ...document }, headers);
  });

  it('gets a clean bill from the doctor, who knows its kind', async () => {
    const setUp = await runDoctor('--config', gatehouse.configFile);
    const about = setUp.findings.filter(({ subject }) => subject === 'provider main');
    expect(about.map(({ code, seen }) => ({ code, seen }))).toEqual(
      (test.warnings ?? []).map((code) => ({ code, seen: expect.any(String) })),
    );
    const alone = await runDoctor('--provider', provider.issuer);
    expect(alone.provider).toMatchObject({
      preset: { name: provider.settings['preset'], evidence: 'tried' },
      modes: { facade: { fits: true } },
    });
  });

  it('signs a person in, and the token is hers', async () => {
    const { asked, ...set } = await signIn(visitor, she, 'FIRST');
    tokens = set;
    expect(asked).toBe(true);
    await expectSignedIn(tokens.access_token, she, 'FIRST');
    expect(await gatehouse.ready()).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(gatehouse.complaints()).toEqual([]);
  });

  it('knows her again in the same browser', async () => {
    const again = await signIn(visitor, she, 'SECOND');
    expect(again.asked).toBe(test.remembers === false);
    await expectSignedIn(again.access_token, she, 'SECOND');
    await expectSignedIn(tokens.access_token, she, 'FIRST');
  });

  it('signs somebody else in as somebody else', async () => {
    const other = await provider.newVisitor();
    const set = await signIn(other, he, 'THIRD');
    await expectSignedIn(set.access_token, he, 'THIRD');
    await other.close();
  });

  it('signs in an app without OAuth, as the same person', async () => {
    const redirect = `login/sso/redirect?redirectUrl=${encodeURIComponent(legacyApp)}`;
    const { url } = await visitor.signIn(v3(redirect), legacyApp, she);
    const login = await postJson(v3('login'), {
      type: 'm.login.token',
      token: url.searchParams.get('loginToken'),
      device_id: 'LEGACY',
    });
    expect(login).toMatchObject({ status: 200 });
    await expectSignedIn(String(login.body['access_token']), she, 'LEGACY');
  });

  it.runIf(test.takesPasswords === true)(
    'takes name and password of an app, as the same person',
    async () => {
      const login = await logIn(she, { device_id: 'PASSWORD', refresh_token: true });
      expect(login).toMatchObject({ status: 200 });
      await expectSignedIn(String(login.body['access_token']), she, 'PASSWORD');
      const refreshed = await postJson(v3('refresh'), { refresh_token: login.body['refresh_token'] });
      expect(refreshed).toMatchObject({ status: 200 });
      await expectSignedIn(String(refreshed.body['access_token']), she, 'PASSWORD');
      await expectSignedIn(tokens.access_token, she, 'FIRST');

      const wrong = await logIn(she, { password: 'wrong' });
      expect(wrong).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      const nobody = await logIn({ ...she, login: 'nobody' });
      expect([nobody.status, nobody.body]).toEqual([wrong.status, wrong.body]);
      expect(gatehouse.complaints()).toEqual([]);
    },
  );

  it('can change its signing key: sign-in goes on', async () => {
    const before = await keyIds();
    await provider.rotateKeys();
    await expect.poll(keyIds, { timeout: 10_000 }).not.toEqual(before);
    // The key set is asked for out of turn every 30 seconds at most.
    gatehouse.skip(31);
    const other = await provider.newVisitor();
    const set = await signIn(other, she, 'FOURTH');
    await expectSignedIn(set.access_token, she, 'FOURTH');
    await other.close();
  });

  it('can be down for a day, with a restart of Gatehouse in it', async () => {
    await provider.stop();
    gatehouse.skip(DAY / 2);
    await gatehouse.restart();
    gatehouse.skip(DAY / 2 + 1);
    for (const path of ['_matrix/client/v1/auth_metadata', '.well-known/openid-configuration']) {
      expect(await ask(gatehouse.url + path)).toMatchObject({ status: 200, body: { issuer: gatehouse.url } });
    }
    await expect
      .poll(() => gatehouse.ready(), { timeout: 10_000 })
      .toMatchObject({
        status: 200,
        body: { status: 'degraded', reasons: [expect.stringContaining('main')] },
      });
    const refreshed = await client.refresh(tokens.refresh_token);
    expect(refreshed).toMatchObject({ status: 200 });
    await expectSignedIn(String(refreshed.body['access_token']), she, 'FIRST');
    if (test.takesPasswords === true) {
      expect(await logIn(she)).toMatchObject({ status: 503, body: { errcode: expect.any(String) } });
    }
    const authorization = await ask(client.authorizeUrl());
    expect(authorization.status).toBe(303);
    expect(authorization.headers.get('location')).toContain(new URL(provider.issuer).origin);
  });
}

function noop(): void {
  // A probe says nothing.
}
