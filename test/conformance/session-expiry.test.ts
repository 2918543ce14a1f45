import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/protocol/clock.ts';
import { startGatehouse } from '../peers/gatehouse.ts';
import { forEachEngine } from '../support/database.ts';
import { registerTestClient } from '../support/oauth-client.ts';

const DAY = 86_400_000;

forEachEngine((engine) => {
  describe('sessions that expire, as the operator wants it', () => {
    it.each(['IDLE', 'ABSOLUTE'])('%s: are over for the homeserver and for the client', async (kind) => {
      let offset = 0;
      await using gatehouse = await startGatehouse({
        clock: {
          now: () => systemClock.now() + offset,
          monotonic: () => systemClock.monotonic() + offset,
        },
        env: {
          GATEHOUSE__DATABASE__URL: await engine.newUrl(),
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__SESSIONS__ACCESS_TOKEN_TTL_SECONDS: '86400',
          [`GATEHOUSE__SESSIONS__${kind}_EXPIRY_DAYS`]: '2',
        },
      });
      const client = await registerTestClient(gatehouse);
      const first = await client.tokens();
      offset = 1.5 * DAY;
      const second = await client.refresh(first.refresh_token);
      expect(second.status).toBe(200);
      const access = String(second.body['access_token']);
      expect(await gatehouse.introspect(access)).toMatchObject({ active: true });
      offset = 2.1 * DAY;
      expect(await gatehouse.introspect(access)).toMatchObject({ active: kind === 'IDLE' });
      offset = 3.6 * DAY;
      expect(await gatehouse.introspect(access)).toEqual({ active: false });
      expect(await client.refresh(String(second.body['refresh_token']))).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    });
  });
});
