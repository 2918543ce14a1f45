/** Tokens that have run out: expired is not revoked. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startGatehouse } from '../peers/gatehouse.ts';
import { ask, postForm, registerTestClient } from '../support/oauth-client.ts';

it('an expired access token is refused with soft_logout, and still ends its session when it is revoked', async () => {
  await using gatehouse = await startGatehouse({
    env: { GATEHOUSE__SESSIONS__ACCESS_TOKEN_TTL_SECONDS: '1' },
  });
  const client = await registerTestClient(gatehouse);
  const tokens = await client.tokens();
  await delay(1100);
  const whoami = await ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  expect(whoami).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true } });
  expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
  const refreshed = await client.refresh(tokens.refresh_token);
  expect(refreshed.status).toBe(200);
  await postForm(`${gatehouse.url}oauth2/revoke`, { token: tokens.access_token });
  expect(await client.refresh(String(refreshed.body['refresh_token']))).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  });
});
