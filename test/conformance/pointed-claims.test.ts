/** Claims that a provider only points to (OpenID Connect Core section 5.6.2, Entra ID's overage), at sign-in and while sessions live. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';

type Json = Record<string, unknown>;

const ACCESS = `{ require: [{ claim: groups, any_of: [matrix-users] }], deny: [{ claim: groups, any_of: [suspended] }],
  admin: [{ claim: groups, any_of: [admins] }], recheck_seconds: 2 }`;

/** A second key of the provider, with which a test signs ID tokens again that say something else. */
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signedAgain(idToken: string, change: (claims: Json) => Json): string {
  const [, payload = ''] = idToken.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json;
  const signed = `${encode({ alg: 'RS256', kid: 'second' })}.${encode(change(claims))}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

const pointed: [string, Json][] = [
  [
    '_claim_names',
    { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example/' } } },
  ],
  ['_claim_names without sources', { _claim_names: { groups: 'src1' } }],
  ['_claim_names beside a null', { _claim_names: { groups: 'src1' }, groups: null }],
  ['hasgroups', { hasgroups: true }],
  ['hasgroups as a text', { hasgroups: 'true' }],
  ['groups:src1', { 'groups:src1': 'https://graph.example/' }],
];

forEachEngine((engine) => {
  let synapse: ScriptedSynapse;
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    synapse = await startScriptedSynapse('shared-with-the-homeserver');
    gatehouse = await startGatehouse({
      idp: { claimsInIdToken: true },
      beforeStart: (idp) => {
        const second = { ...publicKey.export({ format: 'jwk' }), kid: 'second', alg: 'RS256', use: 'sig' };
        idp.faults.jwks = ({ keys }) => ({ keys: [...(keys as unknown[]), second] });
      },
      env: {
        GATEHOUSE__DATABASE__URL: await engine.newUrl(),
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        GATEHOUSE__HOMESERVER__KIND: 'synapse',
        GATEHOUSE__HOMESERVER__URL: synapse.url,
        GATEHOUSE__PROVIDERS__0__PRESET: 'oidc-provider',
        GATEHOUSE__PROVIDERS__0__ACCESS: ACCESS,
      },
    });
    client = await registerTestClient(gatehouse);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
    await synapse[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    gatehouse.idp.faults.tokenResponse = undefined;
    gatehouse.idp.faults.userinfo = undefined;
  });

  /** From now on ID tokens and userinfo have these instead of the groups. */
  function say(instead: Json): void {
    const { faults } = gatehouse.idp;
    const change = ({ groups: _groups, ...claims }: Json): Json => ({ ...claims, ...instead });
    faults.userinfo = change;
    faults.tokenResponse = (body) => ({ ...body, id_token: signedAgain(String(body['id_token']), change) });
  }
  const signIn = (device: string) =>
    client.tokens({ login: 'alice', parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}${device}` } });
  const isActive = async (token: string): Promise<unknown> => (await gatehouse.introspect(token))['active'];
  const rechecks = (): number => gatehouse.idp.requests.get('/token') ?? 0;
  const twoRechecks = async (): Promise<void> => {
    const before = rechecks();
    await expect.poll(rechecks, { timeout: 15_000, interval: 100 }).toBeGreaterThanOrEqual(before + 2);
    await delay(200);
  };

  describe('while a session lives', () => {
    it.each(pointed)(
      '%s ends nothing: the session lives and its device stays at the homeserver',
      async (name, instead) => {
        const device = `D${name.replace(/[^a-z1]/gi, '')}`;
        const tokens = await signIn(device);
        say(instead);
        await twoRechecks();
        expect(await isActive(tokens.access_token)).toBe(true);
        expect([...(synapse.users.get('alice')?.devices.keys() ?? [])]).toContain(device);
        expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
      },
      30_000,
    );

    it.each<[string, Json]>([
      ['no groups, and another claim that is pointed to', { _claim_names: { roles: 'src1' } }],
      ['no groups, and no more of them elsewhere', { hasgroups: false }],
      ['the group of those who are suspended', { groups: ['matrix-users', 'suspended'], hasgroups: true }],
    ])(
      '%s is evidence: the session ends and its device goes',
      async (_name, instead) => {
        const tokens = await signIn('GOES');
        say(instead);
        await expect
          .poll(() => isActive(tokens.access_token), { timeout: 15_000, interval: 100 })
          .toBe(false);
        await expect
          .poll(() => synapse.users.get('alice')?.devices.has('GOES'), { timeout: 15_000 })
          .toBe(false);
      },
      40_000,
    );
  });

  describe('at sign-in', () => {
    it.each(pointed)(
      '%s lets nobody in, and ends nothing of theirs',
      async (name, instead) => {
        const device = `S${name.replace(/[^a-z1]/gi, '')}`;
        const tokens = await signIn(device);
        say(instead);
        const browser = createBrowser();
        await browser.open(client.authorizeUrl());
        const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
        expect(page.status).toBe(403);
        expect(await isActive(tokens.access_token)).toBe(true);
        expect(synapse.users.get('alice')?.devices.has(device)).toBe(true);
      },
      20_000,
    );
  });
});
