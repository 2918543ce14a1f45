/** A provider whose every answer a test can forge, with keys of its own: for what a correct provider never says. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { createProvider, type Provider, type ProviderOptions } from '../../../src/upstream/provider.ts';
import type { ProviderSettings } from '../../../src/upstream/settings.ts';
import { seededRandom, testClock, type TestClock } from '../../support/clock.ts';
import { testLog } from './log.ts';
import { sendJson, startScriptedServer, type ScriptedServer, type SeenRequest } from './scripted-server.ts';

const redirectUri = 'https://auth.example.org/upstream/main/callback';

export interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** Key pairs are slow to make: one per (algorithm, id) and file. */
const made = new Map<string, Promise<SigningKey>>();

export function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const name = `${alg} ${kid}`;
  let key = made.get(name);
  if (key === undefined) {
    key = makeKey(kid, alg);
    made.set(name, key);
  }
  return key;
}

async function makeKey(kid: string, alg: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export interface ForgedIdp extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly issuer: string;
  readonly clock: TestClock;
  readonly log: ReturnType<typeof testLog>;
  readonly provider: Provider;
  /** Changes to the metadata; undefined removes a member. */
  metadata: Record<string, unknown>;
  keys: JWK[];
  /** Claims over a good ID token's; undefined removes one. */
  claims: Record<string, unknown>;
  header: Record<string, unknown>;
  signer: SigningKey;
  /** Instead of a good token answer. */
  token: ((response: ServerResponse, good: () => Promise<Record<string, unknown>>) => unknown) | undefined;
  userinfo: ((response: ServerResponse, request: SeenRequest) => unknown) | undefined;
  /** A whole login: the callback with `changes` over its good parameters. */
  login(
    changes?: Record<string, string | undefined>,
    input?: { maxAgeSeconds?: number; nonce?: string },
  ): ReturnType<Provider['finishLogin']>;
}

export async function startForgedIdp(
  settings: Partial<ProviderSettings> = {},
  options: Partial<ProviderOptions> = {},
): Promise<ForgedIdp> {
  const server = await startScriptedServer();
  const issuer = server.url;
  const clock = testClock(Date.now());
  const log = testLog();
  const signer = await signingKey('one');
  const provider = createProvider({
    settings: { id: 'main', issuer, client_id: 'gatehouse', client_secret: 'idp-secret-canary', ...settings },
    clock,
    random: seededRandom('forged'),
    log,
    ...options,
  });

  const goodToken = async (): Promise<Record<string, unknown>> => {
    const accessToken = 'access-token-canary';
    const now = Math.floor(clock.now() / 1000);
    const hash = createHash('sha256').update(accessToken).digest();
    const claims = {
      iss: issuer,
      aud: 'gatehouse',
      sub: 'sub-of-alice',
      iat: now,
      exp: now + 300,
      nonce: 'the-nonce',
      auth_time: now - 10,
      at_hash: hash.subarray(0, 16).toString('base64url'),
      ...idp.claims,
    };
    const idToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: idp.signer.jwk.alg ?? '', kid: idp.signer.jwk.kid ?? '', ...idp.header })
      .sign(idp.signer.privateKey, { crit: { x: true } });
    return { access_token: accessToken, token_type: 'Bearer', expires_in: 300, id_token: idToken };
  };

  server.answer(async (request, response) => {
    switch (request.path) {
      case '/.well-known/openid-configuration':
        sendJson(response, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          authorization_response_iss_parameter_supported: true,
          ...idp.metadata,
        });
        return;
      case '/jwks':
        sendJson(response, { keys: idp.keys });
        return;
      case '/token':
        if (idp.token === undefined) sendJson(response, await goodToken());
        else await idp.token(response, goodToken);
        return;
      case '/userinfo':
        if (idp.userinfo === undefined) {
          sendJson(response, { sub: 'sub-of-alice', preferred_username: 'alice' });
        } else await idp.userinfo(response, request);
        return;
      default:
        response.writeHead(404).end();
    }
  });

  const idp: ForgedIdp = {
    server,
    issuer,
    clock,
    log,
    provider,
    metadata: {},
    keys: [signer.jwk],
    claims: {},
    header: {},
    signer,
    token: undefined,
    userinfo: undefined,
    login(changes = {}, input = {}) {
      const parameters = new URLSearchParams();
      const all = { code: 'code-canary', state: 'the-state', iss: issuer, ...changes };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) parameters.set(name, value);
      return provider.finishLogin({
        parameters,
        redirectUri,
        expectedState: 'the-state',
        nonce: 'the-nonce',
        codeVerifier: 'verifier-canary'.repeat(4),
        ...input,
      });
    },
    async [Symbol.asyncDispose]() {
      await provider.close();
      await server[Symbol.asyncDispose]();
    },
  };
  return idp;
}
