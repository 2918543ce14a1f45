/**
 * Several processes of the service on one store, and a crowd of clients that send each request to all at the same moment. Few in
 * `npm test`, thousands in `npm run test:e2e`; `GATEHOUSE_RACES` says how many of each kind.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVICE_CODE_GRANT } from '../../src/clients/client-metadata.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { forEachEngine } from '../support/database.ts';
import { type Answer, ask, postForm } from '../support/oauth-client.ts';
import { type ServiceProcess, startProcess } from '../support/process.ts';
import { prepare, REDIRECT_URI, type Store } from './races-store.ts';

const CROWD = 12;

/** With as many processes as `crews` says, for each number anew; on SQLite with two. */
export function describeRaces(fallback: number, crews: readonly number[] = [2]): void {
  const count = Number(process.env['GATEHOUSE_RACES'] ?? fallback);
  const timeout = 20_000 + count * 60;
  forEachEngine((engine) => {
    const numbers = engine.name === 'sqlite' ? [2] : crews;
    describe.each(numbers)('%d processes on one store', (processes) => {
      let db: Database;
      const all: ServiceProcess[] = [];
      let store: Store;
      beforeAll(async () => {
        const url = await engine.newUrl();
        const env = {
          GATEHOUSE__DATABASE__URL: url,
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__LOG__LEVEL: 'warn',
        };
        while (all.length < processes) all.push(await startProcess({ env }));
        db = await engine.open({ url });
        store = await prepare(db);
      });
      afterAll(async () => {
        for (const service of all) await service[Symbol.asyncDispose]();
      });

      /** The same form to all; who is told to come back later comes back. */
      const race = (form: Record<string, string>): Promise<Answer[]> =>
        Promise.all(
          all.map((service) =>
            patiently(`${service.url}oauth2/token`, { client_id: store.clientId, ...form }),
          ),
        );
      const whoami = async (service: number, token: unknown): Promise<number> =>
        (
          await ask(`${all[service]?.url ?? ''}_matrix/client/v3/account/whoami`, {
            headers: { authorization: `Bearer ${String(token)}` },
          })
        ).status;

      it(
        `refresh one token each: all get the one working pair (${String(count)} races)`,
        async () => {
          const tokens = await store.refreshTokens(count);
          await inCrowd(tokens, async (refresh_token, index) => {
            const answers = await race({ grant_type: 'refresh_token', refresh_token });
            const [one] = answers;
            for (const { status, body } of answers) {
              expect(status).toBe(200);
              expect(body['refresh_token']).toBe(one?.body['refresh_token']);
              expect(body['access_token']).toBe(one?.body['access_token']);
            }
            if (index % 20 === 0)
              expect(await whoami(index % processes, one?.body['access_token'])).toBe(200);
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
            expectOneWinner(answers);
          });
          expect(await store.sessionsOf('authorization_code')).toBe(2 * count);
        },
        timeout,
      );

      it(
        `redeem one device code each: one of them gets a session (${String(count)} races)`,
        async () => {
          const codes = await store.deviceCodes(count);
          await inCrowd(codes, async (device_code) => {
            const answers = await race({ grant_type: DEVICE_CODE_GRANT, device_code });
            expectOneWinner(answers);
          });
          expect(await store.sessionsOf('device_code')).toBe(count);
        },
        timeout,
      );
    });
  });
}

/** One gets tokens; to the others the code is not valid any more. */
function expectOneWinner(answers: readonly Answer[]): void {
  const losers = answers.filter((answer) => answer.status !== 200);
  expect(losers).toHaveLength(answers.length - 1);
  for (const { status, body } of losers) expect([status, body['error']]).toEqual([400, 'invalid_grant']);
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
