/**
 * Two processes of the service on one store, and a crowd of clients that send each request to both at the same moment (items 34, 44, 72). Few in
 * `npm test`, thousands in `npm run test:e2e`; `GATEHOUSE_RACES` says how many of each kind.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { newRecordId } from '../../src/protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../../src/protocol/token-format.ts';
import { newSessionId, startSession } from '../../src/sessions/start.ts';
import { insertAuthorizationCode } from '../../src/storage/authorizations.ts';
import type { Database } from '../../src/storage/database.ts';
import { insertClient } from '../../src/storage/clients.ts';
import { insertUser } from '../../src/storage/users.ts';
import { forEachEngine } from '../support/database.ts';
import { type Answer, ask, postForm } from '../support/oauth-client.ts';
import { type ServiceProcess, startProcess } from '../support/process.ts';

const CROWD = 12;
const REDIRECT_URI = 'https://client.example.com/callback';

export function describeRaces(fallback: number): void {
  const count = Number(process.env['GATEHOUSE_RACES'] ?? fallback);
  const timeout = 20_000 + count * 60;
  forEachEngine((engine) => {
    describe('two processes on one store', () => {
      let db: Database;
      let both: readonly ServiceProcess[] = [];
      let store: Store;
      beforeAll(async () => {
        const url = await engine.newUrl();
        const env = {
          GATEHOUSE__DATABASE__URL: url,
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__LOG__LEVEL: 'warn',
        };
        both = [await startProcess({ env }), await startProcess({ env })];
        db = await engine.open({ url });
        store = await prepare(db);
      });
      afterAll(async () => {
        for (const service of both) await service[Symbol.asyncDispose]();
      });

      /** The same form to both; who is told to come back later comes back. */
      const race = (form: Record<string, string>): Promise<Answer[]> =>
        Promise.all(
          both.map((service) =>
            patiently(`${service.url}oauth2/token`, { client_id: store.clientId, ...form }),
          ),
        );
      const whoami = async (service: number, token: unknown): Promise<number> =>
        (
          await ask(`${both[service]?.url ?? ''}_matrix/client/v3/account/whoami`, {
            headers: { authorization: `Bearer ${String(token)}` },
          })
        ).status;

      it(
        `refresh one token each: both get the one working pair (${String(count)} races)`,
        async () => {
          const tokens = await store.refreshTokens(count);
          await inCrowd(tokens, async (refresh_token, index) => {
            const answers = await race({ grant_type: 'refresh_token', refresh_token });
            expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
            const [one, two] = answers;
            expect(one?.body['refresh_token']).toBe(two?.body['refresh_token']);
            expect(one?.body['access_token']).toBe(two?.body['access_token']);
            if (index % 20 === 0) expect(await whoami(index % 2, one?.body['access_token'])).toBe(200);
          });
          expect(await store.liveSessions()).toBe(count);
          expect(await store.unusedSuccessors()).toBe(count);
        },
        timeout,
      );

      it(
        `redeem one code each: one of them gets a session (${String(count)} races)`,
        async () => {
          const codes = await store.codes(count);
          await inCrowd(codes, async ({ code, verifier }) => {
            const answers = await race({
              grant_type: 'authorization_code',
              code,
              redirect_uri: REDIRECT_URI,
              code_verifier: verifier,
            });
            expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400]);
            expect(answers.find((answer) => answer.status === 400)?.body['error']).toBe('invalid_grant');
          });
          expect(await store.sessionsOf('authorization_code')).toBe(2 * count);
        },
        timeout,
      );
    });
  });
}

async function patiently(url: string, form: Record<string, string>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await postForm(url, form);
    if (answer.status !== 503 || attempt === 5) return answer;
    expect(answer.headers.get('retry-after')).not.toBeNull();
  }
}

async function inCrowd<T>(all: readonly T[], act: (one: T, index: number) => Promise<void>): Promise<void> {
  const queue = all.entries();
  await Promise.all(
    Array.from({ length: CROWD }, async () => {
      for (const [index, one] of queue) await act(one, index);
    }),
  );
}

interface Store {
  readonly clientId: string;
  refreshTokens(count: number): Promise<string[]>;
  codes(count: number): Promise<{ code: string; verifier: string }[]>;
  liveSessions(): Promise<number>;
  unusedSuccessors(): Promise<number>;
  sessionsOf(origin: 'authorization_code'): Promise<number>;
}

/** Writes what people and clients did before the races. */
async function prepare(db: Database): Promise<Store> {
  const now = systemClock.now();
  const [userId, clientId] = [newRecordId(now, systemRandom), newRecordId(now, systemRandom)];
  await db.write(async (tx) => {
    await insertUser(tx, {
      id: userId,
      localpart: 'racer',
      displayname: null,
      created_at: now,
      locked_at: null,
      deactivated_at: null,
    });
    await insertClient(tx, {
      id: clientId,
      metadata_json: JSON.stringify({
        client_uri: 'https://client.example.com/',
        application_type: 'web',
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }),
      metadata_hash: null,
      secret_hash: null,
      created_at: now,
      last_used_at: now,
    });
  });
  const scopeOf = (deviceId: string): string =>
    `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;
  const policy = { accessTokenTtl: 600_000, refreshReuseGrace: 30_000 };
  const inSteps = async (
    count: number,
    step: (tx: Parameters<Parameters<Database['write']>[0]>[0], index: number) => Promise<void>,
  ): Promise<void> => {
    for (let from = 0; from < count; from += 100) {
      await db.write(async (tx) => {
        for (let index = from; index < Math.min(from + 100, count); index++) await step(tx, index);
      });
    }
  };
  const rows = (query: { execute(): Promise<unknown[]> }): Promise<number> =>
    query.execute().then((all) => all.length);
  return {
    clientId,
    async refreshTokens(count) {
      const tokens: string[] = [];
      await inSteps(count, async (tx, index) => {
        const id = newSessionId(now, systemRandom);
        const device = { userId, deviceId: `R${String(index)}` };
        const issued = await startSession(
          tx,
          { policy, random: systemRandom, now },
          {
            id,
            ...device,
            clientId,
            scope: scopeOf(device.deviceId),
            origin: 'authorization_code',
            authenticatedAt: null,
          },
        );
        tokens[index] = issued?.refreshToken ?? '';
      });
      return tokens;
    },
    async codes(count) {
      const codes: { code: string; verifier: string }[] = [];
      await inSteps(count, async (tx, index) => {
        const code = issueSecret('authorizationCode', systemRandom);
        const verifier = randomBytes(32).toString('base64url');
        const at = systemClock.now();
        await insertAuthorizationCode(tx, {
          hash: hashSecret(code),
          client_id: clientId,
          redirect_uri: REDIRECT_URI,
          code_challenge: createHash('sha256').update(verifier).digest('base64url'),
          scope: scopeOf(`C${String(index)}`),
          nonce: null,
          user_id: userId,
          device_id: `C${String(index)}`,
          authenticated_at: null,
          created_at: at,
          expires_at: at + 3_600_000,
          consumed_at: null,
          session_id: null,
          misses: 0,
        });
        codes[index] = { code, verifier };
      });
      return codes;
    },
    liveSessions: () => rows(db.query.selectFrom('sessions').select('id').where('ended_at', 'is', null)),
    unusedSuccessors: () =>
      rows(
        db.query
          .selectFrom('refresh_tokens')
          .select('hash')
          .where('generation', '=', 1)
          .where('consumed_at', 'is', null),
      ),
    sessionsOf: (origin) => rows(db.query.selectFrom('sessions').select('id').where('origin', '=', origin)),
  };
}
