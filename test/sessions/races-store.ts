/** What people and clients did before the races, written straight into the store. */
import { createHash, randomBytes } from 'node:crypto';
import { DEVICE_CODE_GRANT } from '../../src/clients/client-metadata.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { newRecordId } from '../../src/protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../../src/protocol/token-format.ts';
import { newSessionId, startSession } from '../../src/sessions/start.ts';
import { createSealer } from '../../src/storage/sealed.ts';
import { insertAuthorizationCode } from '../../src/storage/records/authorizations.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { insertDeviceGrant } from '../../src/storage/records/device-grants.ts';
import { insertClient } from '../../src/storage/records/clients.ts';
import type { SessionOrigin } from '../../src/storage/records/sessions.ts';
import { insertUser } from '../../src/storage/records/users.ts';

export const REDIRECT_URI = 'https://client.example.com/callback';

/** What the races begin with and what they leave. */
export interface Store {
  readonly clientId: string;
  refreshTokens(count: number): Promise<string[]>;
  codes(count: number): Promise<{ code: string; verifier: string }[]>;
  liveSessions(): Promise<number>;
  unusedSuccessors(): Promise<number>;
  sessionsOf(origin: SessionOrigin): Promise<number>;
  deviceCodes(count: number): Promise<string[]>;
}

/** Writes what people and clients did before the races. */
export async function prepare(db: Database): Promise<Store> {
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
        grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT],
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
        await insertAuthorizationCode(tx, createSealer(randomBytes(32), systemRandom), {
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
    async deviceCodes(count) {
      const codes: string[] = [];
      await inSteps(count, async (tx, index) => {
        const code = issueSecret('deviceCode', systemRandom);
        const at = systemClock.now();
        await insertDeviceGrant(tx, {
          hash: hashSecret(code),
          user_code_hash: hashSecret(`user code of ${code}`),
          client_id: clientId,
          scope: scopeOf(`D${String(index)}`),
          device_id: `D${String(index)}`,
          address: '192.0.2.1',
          created_at: at,
          expires_at: at + 3_600_000,
          interval_seconds: 5,
          polled_at: null,
          sign_in_id: null,
          user_id: userId,
          decision: 'allowed',
          authenticated_at: null,
          upstream_sid: null,
          consumed_at: null,
          session_id: null,
        });
        codes[index] = code;
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
