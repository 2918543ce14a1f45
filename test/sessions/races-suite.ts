/**
 * Two processes of the service on one store, and a crowd of clients that send each request to both at the same moment (items 34, 44, 72). Few in
 * `npm test`, thousands in `npm run test:e2e`; `GATEHOUSE_RACES` says how many of each kind.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVICE_CODE_GRANT } from '../../src/authorization-server/client-metadata.ts';
import type { Database } from '../../src/storage/database.ts';
import { forEachEngine } from '../support/database.ts';
import { type Answer, ask, postForm } from '../support/oauth-client.ts';
import { type ServiceProcess, startProcess } from '../support/process.ts';
import { prepare, REDIRECT_URI, type Store } from './races-store.ts';

const CROWD = 12;

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

      it(
        `redeem one device code each: one of them gets a session (${String(count)} races)`,
        async () => {
          const codes = await store.deviceCodes(count);
          await inCrowd(codes, async (device_code) => {
            const answers = await race({ grant_type: DEVICE_CODE_GRANT, device_code });
            expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400]);
            expect(answers.find((answer) => answer.status === 400)?.body['error']).toBe('invalid_grant');
          });
          expect(await store.sessionsOf('device_code')).toBe(count);
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
