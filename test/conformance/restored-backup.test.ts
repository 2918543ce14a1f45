/** What an operator meets who has restored a backup that is older than what happened since (docs/operations.md, "The database"). */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUpSqlite } from '../../src/storage/maintenance.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import {
  ask,
  registerTestClient,
  postForm,
  testClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';

describe('after a backup was restored', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-restored-'));
  const file = join(folder, 'gatehouse.db');
  const env = {
    GATEHOUSE__DATABASE__URL: `sqlite:${file}`,
    GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
  let gatehouse: Gatehouse;
  let client: TestClient;
  /** As they were when the backup was made, or from after it. */
  const old: Record<'same' | 'refreshed' | 'revoked', TokenSet> = {} as never;
  let newer: TokenSet;
  let refreshed: TokenSet;
  let usedCode: string;
  const session = (device: string, at = client): Promise<TokenSet> =>
    at.tokens({ parameters: { scope: `urn:matrix:client:api:* urn:matrix:client:device:${device}` } });
  beforeAll(async () => {
    gatehouse = await startGatehouse({ env });
    client = await registerTestClient(gatehouse);
    for (const name of ['same', 'refreshed', 'revoked'] as const) old[name] = await session(`DEVICE${name}`);
    usedCode = (await client.authorize()).get('code') ?? '';
    const copy = join(folder, 'copy.db');
    backUpSqlite(env.GATEHOUSE__DATABASE__URL, copy);
    newer = await session('DEVICEnewer');
    refreshed = (await client.refresh(old.refreshed.refresh_token)).body as unknown as TokenSet;
    refreshed = (await client.refresh(refreshed.refresh_token)).body as unknown as TokenSet;
    await postForm(`${gatehouse.url}oauth2/revoke`, {
      client_id: client.clientId,
      token: old.revoked.access_token,
    });
    expect((await client.redeem(usedCode)).status).toBe(200);
    await gatehouse[Symbol.asyncDispose]();
    for (const ending of ['-wal', '-shm']) rmSync(file + ending, { force: true });
    copyFileSync(copy, file);
    gatehouse = await startGatehouse({ env });
    client = testClient(gatehouse, { ...client, clientId: client.clientId });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const whoami = async (token: string): Promise<number> =>
    (
      await ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).status;

  it.each<[string, () => Promise<number>, number]>([
    ['a session goes on that nothing happened to', () => whoami(old.same.access_token), 200],
    ['a session is live again that was revoked since', () => whoami(old.revoked.access_token), 200],
    ['a session is gone that began since', () => whoami(newer.access_token), 401],
    [
      'a client that began since is signed out',
      async () => (await client.refresh(newer.refresh_token)).status,
      400,
    ],
    [
      'a client that refreshed since is signed out',
      async () => (await client.refresh(refreshed.refresh_token)).status,
      400,
    ],
    [
      'a used code is bound to its verifier still',
      async () => (await client.redeem(usedCode, { code_verifier: 'v'.repeat(43) })).status,
      400,
    ],
    [
      'a client with the old tokens goes on',
      async () => (await client.refresh(old.same.refresh_token)).status,
      200,
    ],
  ])('%s', async (_what, act, status) => {
    expect(await act()).toBe(status);
  });
});
