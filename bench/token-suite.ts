/**
 * Verifying JWT access tokens in this process: the library against bare `jose.jwtVerify`, by algorithm, with and without its cache. Bare has the key set in memory and finds the
 * key by `kid`, as every program has to whose provider changes its keys; with one key that never changes it is told beside it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type CryptoKey, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { createVerifier } from '../src/verification/create-verifier.ts';
import { type Figure, figure } from './report.ts';
import type { Stage } from './stage.ts';

const AUDIENCE = 'https://api.example.com';
/** Tokens that are verified in turns, and how many of them at once. */
const TOKENS = 512;
const AT_ONCE = 16;

interface Rate {
  readonly perSecond: number;
  /** Processor time of one verification, all threads, in microseconds. */
  readonly cpu: number;
}

type Verification = (token: string) => Promise<unknown>;

export async function measureTokens(stage: Pick<Stage, 'rounds' | 'seconds' | 'say'>): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const alg of ['RS256', 'ES256']) {
    stage.say(`JWT access tokens, ${alg}`);
    const { privateKey, publicKey } = await generateKeyPair(alg);
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg, use: 'sig' };
    const keySet = createLocalJWKSet({ keys: [jwk] });
    await using idp = await startKeys(jwk);
    const tokens = await signTokens(alg, privateKey, idp.issuer);
    const verifier = (entries: number) =>
      createVerifier({
        providers: [
          {
            id: 'main',
            issuer: idp.issuer,
            client_id: 'bench',
            tokens: { strategies: ['jwt'], audience: [AUDIENCE], cache: { entries } },
          },
        ],
      });
    await using uncached = verifier(0);
    await using cached = verifier(TOKENS);
    const rules = {
      issuer: idp.issuer,
      audience: AUDIENCE,
      algorithms: [alg],
      typ: 'at+jwt',
      clockTolerance: 30,
    };
    const by = async (one: typeof uncached, token: string): Promise<void> => {
      const verdict = await one.verify(token);
      if (verdict.kind !== 'active') throw new Error(`a good token is ${verdict.kind}`);
    };
    const contenders: Record<string, Verification> = {
      bare: (token) => jwtVerify(token, keySet, rules),
      'one key': (token) => jwtVerify(token, publicKey, rules),
      uncached: (token) => by(uncached, token),
      cached: (token) => by(cached, token),
    };
    const rates = await inTurns(contenders, tokens, stage);
    const rounds = (name: string): Rate[] => rates[name] ?? [];
    const ratio = (name: string, of: keyof Rate, other = 'bare'): number[] =>
      rounds(name).map((rate, round) => rate[of] / (rounds(other)[round]?.[of] ?? Number.NaN));
    const name = (text: string): string => `JWT ${alg}, ${text}`;
    const processor = ratio('bare', 'cpu', 'uncached');
    figures.push(
      figure('-', name('library / jwtVerify'), 'ratio', ratio('uncached', 'perSecond'), {
        target: { atLeast: 0.85 },
      }),
      figure('-', name('library / jwtVerify, by processor time'), 'ratio', processor),
      figure(
        '-',
        name('library / jwtVerify with one key'),
        'ratio',
        ratio('uncached', 'perSecond', 'one key'),
      ),
      figure('-', name('cached / jwtVerify'), 'ratio', ratio('cached', 'perSecond'), {
        target: { atLeast: 5 },
      }),
      figure(
        '-',
        name('library'),
        'answers/s',
        rounds('uncached').map(({ perSecond }) => perSecond),
      ),
    );
  }
  return figures;
}

/** Verifications a second of each contender, round by round; the first round is for warming up. */
async function inTurns(
  contenders: Readonly<Record<string, Verification>>,
  tokens: readonly string[],
  { rounds, seconds }: Pick<Stage, 'rounds' | 'seconds'>,
): Promise<Record<string, Rate[]>> {
  const rates: Record<string, Rate[]> = {};
  for (let round = 0; round <= rounds; round++) {
    for (const [name, verify] of Object.entries(contenders)) {
      const rate = await rateOf(verify, tokens, seconds);
      if (round > 0) (rates[name] ??= []).push(rate);
    }
  }
  return rates;
}

async function rateOf(verify: Verification, tokens: readonly string[], seconds: number): Promise<Rate> {
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  const until = began + seconds * 1000;
  let done = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < until) {
      await verify(tokens[done++ % tokens.length] ?? '');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const cpu = process.cpuUsage(cpuBefore);
  return { perSecond: done / ((performance.now() - began) / 1000), cpu: (cpu.user + cpu.system) / done };
}

/** As a provider of this kind makes them: with an id of their own each. */
async function signTokens(alg: string, key: CryptoKey, issuer: string): Promise<string[]> {
  const now = Math.floor(Date.now() / 1000);
  const sign = (index: number): Promise<string> =>
    new SignJWT({
      iss: issuer,
      aud: AUDIENCE,
      sub: `person-${String(index)}`,
      client_id: 'an-app',
      preferred_username: `person${String(index)}`,
      scope: 'openid profile mail',
      jti: `token-${String(index)}`,
      iat: now,
      nbf: now,
      exp: now + 3600,
    })
      .setProtectedHeader({ alg, kid: 'one', typ: 'at+jwt' })
      .sign(key);
  return Promise.all(Array.from({ length: TOKENS }, (_one, index) => sign(index)));
}

async function startKeys(key: object): Promise<AsyncDisposable & { readonly issuer: string }> {
  let issuer = '';
  const server = createServer((request, response) => {
    const body =
      request.url === '/jwks'
        ? { keys: [key] }
        : {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            jwks_uri: `${issuer}/jwks`,
          };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=3600' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    issuer,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
