import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/clients/clients.ts';
import { DEVICE_CODE_GRANT } from '../../../src/clients/client-metadata.ts';
import type { AuthorizationServerDeps } from '../../../src/authorization-server/deps.ts';
import { deviceCodeGrant } from '../../../src/authorization-server/grants/device-code.ts';
import type { ApiRequest } from '../../../src/http/exchange.ts';
import { systemRandom } from '../../../src/protocol/clock.ts';
import { hashSecret, issueSecret } from '../../../src/protocol/token-format.ts';
import type { Database } from '../../../src/storage/engine/database.ts';
import { decideDeviceGrant, insertDeviceGrant } from '../../../src/storage/records/device-grants.ts';
import { forEachEngine } from '../../support/database.ts';
import { type Core, SCOPE, sessionCore } from '../../sessions/support.ts';

forEachEngine((engine) => {
  describe('the homeserver of a device grant', () => {
    let db: Database;
    let core: Core;
    let code: string;
    beforeEach(async () => {
      db ??= await engine.open();
      core = await sessionCore(db);
      code = issueSecret('deviceCode', systemRandom);
      await db.write((tx) =>
        insertDeviceGrant(tx, {
          hash: hashSecret(code),
          user_code_hash: hashSecret(`user ${code}`),
          client_id: core.clientId,
          scope: SCOPE,
          device_id: 'DEVICE',
          address: '192.0.2.1',
          created_at: core.clock.now(),
          expires_at: core.clock.now() + 900_000,
          interval_seconds: 5,
          polled_at: null,
          sign_in_id: null,
          user_id: core.userId,
          decision: null,
          authenticated_at: null,
          upstream_sid: null,
          consumed_at: null,
          session_id: null,
        }),
      );
    });

    const poll = (): Promise<{ scope: string }> => {
      const deps = {
        ...core,
        sessionLimits: { perUser: 0, perClient: 0 },
        emit: () => undefined,
      } as unknown as AuthorizationServerDeps;
      const client = {
        id: core.clientId,
        metadata: { grant_types: [DEVICE_CODE_GRANT], redirect_uris: [], client_name: 'TV' },
        secretHash: null,
      } as unknown as Client;
      const form = new Map([['device_code', code]]);
      const request = { form, annotate: () => undefined } as unknown as ApiRequest;
      return deviceCodeGrant(deps)(request, client);
    };
    const allow = (): Promise<boolean> =>
      db.write((tx) =>
        decideDeviceGrant(tx, {
          hash: hashSecret(code),
          userId: core.userId,
          decision: 'allowed',
          authenticatedAt: null,
          upstreamSid: null,
          at: core.clock.now(),
        }),
      );

    it('knows the device when the client has its tokens, and not before the person agreed', async () => {
      await expect(poll()).rejects.toMatchObject({ code: 'authorization_pending' });
      expect(core.homeserver.upserted).toEqual([]);
      await allow();
      expect(core.homeserver.upserted).toEqual([]);
      await poll();
      expect(core.homeserver.upserted).toEqual([
        { localpart: `user-${core.userId}`, deviceId: 'DEVICE', displayname: 'TV' },
      ]);
    });

    it('that is down leaves the code to be redeemed later', async () => {
      await allow();
      core.homeserver.down = true;
      await expect(poll()).rejects.toMatchObject({ name: 'Unavailable' });
      core.homeserver.down = false;
      expect((await poll()).scope).toBe(SCOPE);
      await expect(poll()).rejects.toMatchObject({ code: 'invalid_grant' });
    });
  });
});
