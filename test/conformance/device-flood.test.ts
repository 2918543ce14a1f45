import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { startGatehouse } from '../peers/gatehouse.ts';
import { forEachEngine } from '../support/database.ts';
import { API_SCOPE, DEVICE_SCOPE, postForm, registerTestClient } from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

forEachEngine((engine) => {
  describe('devices that wait', () => {
    it('are limited by address, by client and in all, but for those who ask for little', async () => {
      await using gatehouse = await startGatehouse({
        env: {
          GATEHOUSE__DATABASE__URL: await engine.newUrl(),
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__LIMITS__DEVICE_GRANTS_PER_ADDRESS: '10',
          GATEHOUSE__LIMITS__DEVICE_GRANTS: '8',
          GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1',
        },
      });
      const ids: string[] = [];
      for (const client_name of ['one', 'two', 'three']) {
        ids.push(
          (await registerTestClient(gatehouse, { client_name, grant_types: [GRANT, 'authorization_code'] }))
            .clientId,
        );
      }
      const begin = async (client_id: string, address: string): Promise<number> => {
        const answer = await postForm(
          `${gatehouse.url}oauth2/device_authorization`,
          { client_id, scope: `${API_SCOPE} ${DEVICE_SCOPE}TV` },
          { 'x-forwarded-for': address },
        );
        if (answer.status !== 200) expect(answer.headers.get('retry-after')).not.toBeNull();
        return answer.status;
      };
      const [one = '', two = '', three = ''] = ids;
      for (let device = 0; device < 4; device++) expect(await begin(one, '192.0.2.1')).toBe(200);
      expect(await begin(one, '192.0.2.1')).toBe(429);
      expect(await begin(one, '192.0.2.2')).toBe(200);
      for (let device = 0; device < 3; device++) expect(await begin(two, '192.0.2.1')).toBe(200);
      for (let device = 0; device < 2; device++) expect(await begin(three, '192.0.2.1')).toBe(503);
      expect(await begin(three, '192.0.2.1')).toBe(429);
      expect(await begin(three, '192.0.2.3')).toBe(200);
      expect(await begin(three, '192.0.2.3')).toBe(503);
    });
  });
});
