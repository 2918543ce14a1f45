/**
 * Whether the time of a refusal tells who exists: `POST /login` with an unknown user, and with one who may not log in by password, against a wrong
 * password, in turns, in this process, down to the request to an identity provider that answers all of them alike. Welch's t-test; |t| below 4.5 is
 * what the field takes for "no difference to be seen".
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAddressLimit } from '../src/http/address-limit.ts';
import { createRateLimiter } from '../src/http/rate-limit.ts';
import { noHomeserver } from '../src/homeserver/none.ts';
import type { LogInDeps } from '../src/matrix-api/login/deps.ts';
import { logIn } from '../src/matrix-api/login/log-in.ts';
import { createLog } from '../src/observability/log.ts';
import { createMetrics } from '../src/observability/metrics.ts';
import { systemClock, systemRandom } from '../src/protocol/clock.ts';
import { newRecordId } from '../src/protocol/identifiers.ts';
import { openDatabase } from '../src/storage/engine/open-database.ts';
import { createSealer } from '../src/storage/sealed.ts';
import { insertUser } from '../src/storage/records/users.ts';
import { createProvider } from '../src/upstream/provider.ts';
import { type Figure, figure } from './report.ts';

/** Names of one length: only who they are differs. */
const KNOWN = 'alice';
const cases = { wrong: KNOWN, unknown: 'nobdy', unlisted: 'carol' } as const;
type Case = keyof typeof cases;

/** `samples` of each case. */
export async function measureLoginRefusals(options: {
  samples: number;
  databaseUrl: string;
  say: (text: string) => void;
}): Promise<Figure[]> {
  options.say(`refused logins, ${String(options.samples)} of each kind`);
  await using idp = await startRefusingIdp();
  const clock = systemClock;
  const random = systemRandom;
  const log = createLog({ level: 'silent' });
  const metrics = createMetrics({ processMetrics: false });
  const db = await openDatabase({ url: options.databaseUrl, clock, random });
  const provider = createProvider({
    settings: { id: 'main', issuer: idp.issuer, client_id: 'gatehouse', client_secret: 'secret' },
    clock,
    random,
    log,
  });
  const unlimited = { name: 'none', points: 1_000_000_000, windowSeconds: 900, clock, metrics };
  const deps: LogInDeps = {
    db,
    clock,
    random,
    log,
    metrics,
    homeserver: noHomeserver,
    serverName: 'example.org',
    profilePolicy: { displayname: 'off', email: 'off', avatar: 'off' },
    isReserved: () => false,
    sealer: createSealer(random(32), random),
    providerRules: new Map(),
    operatorScopes: new Map(),
    policy: { accessTokenTtl: 600_000, refreshReuseGrace: 30_000 },
    sessionLimits: { perUser: 0, perClient: 0 },
    homeserverUrl: undefined,
    emit: () => undefined,
    login: {
      sso: false,
      password: {
        provider,
        usernameOf: (localpart) => localpart,
        allowed: new Set([cases.wrong, cases.unknown]),
        failures: { perAccount: createRateLimiter(unlimited), perAddress: createAddressLimit(unlimited) },
      },
    },
  };
  try {
    for (const localpart of [cases.wrong, cases.unlisted]) {
      const now = clock.now();
      const user = { id: newRecordId(now, random), localpart, displayname: null, created_at: now };
      await db.write((tx) => insertUser(tx, { ...user, locked_at: null, deactivated_at: null }));
    }
    const times = await inTurns(deps, options.samples);
    return (['unknown', 'unlisted'] as const).flatMap((other) => {
      const name = other === 'unknown' ? 'unknown user' : 'user not in allow_users';
      const shown = (values: Record<Case, number[]>): number => Math.abs(welch(values[other], values.wrong));
      const target = { atMost: 4.5 };
      return [
        figure('-', `${name} against wrong password, |t|`, '|t|', [shown(times)], { target }),
        figure('-', `the same, fastest 90 %`, '|t|', [shown(cropped(times, 0.9))], { target }),
      ];
    });
  } finally {
    await provider.close();
    await db.close();
  }
}

/** Times in milliseconds; each turn has every case once, in an order of its own. The first tenth is for warming up. */
async function inTurns(deps: LogInDeps, samples: number): Promise<Record<Case, number[]>> {
  const handle = logIn(deps);
  const times: Record<Case, number[]> = { wrong: [], unknown: [], unlisted: [] };
  const warmUp = Math.ceil(samples / 10);
  for (let turn = 0; turn < samples + warmUp; turn++) {
    for (const one of shuffled(Object.keys(cases) as Case[])) {
      const request = requestOf(cases[one]);
      const began = performance.now();
      const outcome: unknown = await Promise.resolve(handle(request)).catch((error: unknown) => error);
      const took = performance.now() - began;
      if ((outcome as { status?: number }).status !== 403)
        throw new Error('a login was not refused', { cause: outcome });
      if (turn >= warmUp) times[one].push(took);
    }
  }
  return times;
}

function requestOf(user: string): Parameters<ReturnType<typeof logIn>>[0] {
  return {
    operationId: 'logIn',
    method: 'POST',
    params: {},
    query: new URLSearchParams(),
    headers: {},
    cookies: {},
    form: new Map(),
    language: 'en',
    requestId: 'bench',
    clientAddress: '127.0.0.1',
    annotate: () => undefined,
    body: { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: 'not the password' },
  };
}

function shuffled<T>(list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = systemRandom(1).readUInt8() % (last + 1);
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}

/** Without what the machine held up: at most the given quantile of all samples together. */
function cropped(times: Record<Case, number[]>, quantile: number): Record<Case, number[]> {
  const all = Object.values(times)
    .flat()
    .toSorted((one, other) => one - other);
  const limit = all[Math.floor(all.length * quantile)] ?? Number.POSITIVE_INFINITY;
  const keep = (values: number[]): number[] => values.filter((value) => value <= limit);
  return { wrong: keep(times.wrong), unknown: keep(times.unknown), unlisted: keep(times.unlisted) };
}

function welch(one: readonly number[], other: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const share = (values: readonly number[]): number => {
    const middle = mean(values);
    const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
    return squares / (values.length - 1) / values.length;
  };
  return (mean(one) - mean(other)) / Math.sqrt(share(one) + share(other));
}

/** An identity provider that knows nobody. */
async function startRefusingIdp(): Promise<AsyncDisposable & { readonly issuer: string }> {
  let issuer = '';
  const server = createServer((request, response) => {
    const isToken = request.url === '/token';
    const body = isToken
      ? { error: 'invalid_grant' }
      : {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
        };
    request.resume().on('end', () => {
      response
        .writeHead(isToken ? 400 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    });
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
