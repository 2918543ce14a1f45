/** A provider whose tokens and answers a test can forge, with a verifier of its tokens. */
import { SignJWT } from 'jose';
import type { ServerResponse } from 'node:http';
import { createTokenVerifier, type TokenVerifier } from '../../src/verification/token-verifier.ts';
import type { TokenSettings } from '../../src/verification/settings.ts';
import type { Verdict } from '../../src/verification/verdict.ts';
import type { ProviderSettings } from '../../src/upstream/settings.ts';
import { seededRandom } from '../support/clock.ts';
import { type ForgedIdp, type SigningKey, startForgedIdp } from '../upstream/support/forged-idp.ts';
import { sendJson, type SeenRequest } from '../upstream/support/scripted-server.ts';

export interface TokenIdp extends AsyncDisposable {
  readonly idp: ForgedIdp;
  readonly verifier: TokenVerifier;
  /** Cache outcomes, in order. */
  readonly outcomes: string[];
  /** Claims of a good token. */
  claims(changes?: Record<string, unknown>): Record<string, unknown>;
  /** A token by the provider's key, or another; undefined in `changes` removes a claim. */
  sign(
    changes?: Record<string, unknown>,
    header?: Record<string, unknown>,
    key?: SigningKey,
  ): Promise<string>;
  /** In short: `active`, `unavailable`, or the fault. */
  kindOf(token: string): Promise<string>;
  verify(token: string): Promise<Verdict>;
  /** Answers `/introspect`, `/tokeninfo?…` and `/me`; by default 404. */
  answer: (request: SeenRequest, response: ServerResponse) => unknown;
  /** Questions at those three. */
  questions(): SeenRequest[];
}

export async function startTokenIdp(
  tokens: Partial<TokenSettings> = {},
  settings: Partial<ProviderSettings> = {},
): Promise<TokenIdp> {
  const idp = await startForgedIdp(settings);
  idp.metadata = {
    introspection_endpoint: `${idp.issuer}/introspect`,
    userinfo_endpoint: `${idp.issuer}/me`,
  };
  const outcomes: string[] = [];
  const verifier = createTokenVerifier({
    provider: idp.provider,
    settings: {
      id: 'main',
      issuer: idp.issuer,
      client_id: 'gatehouse',
      client_secret: 'idp-secret-canary',
      ...settings,
    },
    tokens: { strategies: ['jwt'], ...tokens },
    clock: idp.clock,
    random: seededRandom('tokens'),
    log: idp.log,
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  const asked: SeenRequest[] = [];
  const documents = ['/.well-known/openid-configuration', '/jwks'];
  const self: TokenIdp = {
    idp,
    verifier,
    outcomes,
    claims: (changes = {}) => {
      const now = Math.floor(idp.clock.now() / 1000);
      return {
        iss: idp.issuer,
        aud: 'gatehouse',
        sub: 'sub-of-alice',
        client_id: 'an-app',
        preferred_username: 'alice',
        scope: 'openid urn:matrix:client:api:* urn:matrix:client:device:ALICEPHONE',
        iat: now,
        nbf: now,
        exp: now + 300,
        ...changes,
      };
    },
    sign: (changes, header = {}, key = idp.signer) =>
      new SignJWT(self.claims(changes))
        .setProtectedHeader({ alg: key.jwk.alg ?? '', kid: key.jwk.kid ?? '', typ: 'at+jwt', ...header })
        .sign(key.privateKey, { crit: { x: true } }),
    verify: (token) => verifier.verify(token),
    async kindOf(token) {
      const verdict = await verifier.verify(token);
      return verdict.kind === 'inactive' ? verdict.fault : verdict.kind;
    },
    answer: (_request, response) => response.writeHead(404).end(),
    questions: () => asked,
    async [Symbol.asyncDispose]() {
      await verifier.close();
      await idp[Symbol.asyncDispose]();
    },
  };
  const forged = idp.server;
  const original = forgedScript(idp);
  forged.answer(async (request, response) => {
    if (documents.includes(request.path)) {
      original(request, response);
      return;
    }
    asked.push(request);
    await self.answer(request, response);
  });
  return self;
}

/** The two documents, as the forged provider has them. */
function forgedScript(idp: ForgedIdp): (request: SeenRequest, response: ServerResponse) => void {
  return (request, response) => {
    if (request.path === '/jwks') sendJson(response, { keys: idp.keys });
    else {
      sendJson(response, {
        issuer: idp.issuer,
        authorization_endpoint: `${idp.issuer}/authorize`,
        token_endpoint: `${idp.issuer}/token`,
        jwks_uri: `${idp.issuer}/jwks`,
        ...idp.metadata,
      });
    }
  };
}
