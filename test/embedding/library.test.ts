/** As a homeserver's author uses it: in an Express app of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGatehouse, type Gatehouse, parseConfig } from '../../src/index.ts';
import { signIn } from '../peers/gatehouse.ts';
import { freePort } from '../support/free-port.ts';
import { type Idp, startIdp } from '../peers/idp.ts';
import { createBrowser } from '../support/browser.ts';
import { ask, registerTestClient } from '../support/oauth-client.ts';

let idp: Idp;
let gatehouse: Gatehouse;
let url: string;
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-library-'));
const app = express();
const server = createServer(app);

beforeAll(async () => {
  idp = await startIdp({});
  const port = await freePort();
  url = `http://127.0.0.1:${String(port)}/`;
  const config = parseConfig(
    {
      server_name: 'example.org',
      public_url: url,
      database: { url: 'sqlite:gatehouse.db' },
      providers: [
        { id: 'main', issuer: idp.issuer, client_id: idp.clientId, client_secret: idp.clientSecret },
      ],
      log: { level: 'silent' },
    },
    { baseDir: folder },
  );
  idp.setRedirectUris(`${url}upstream/main/callback`);
  gatehouse = await createGatehouse({ config });
  app.use(gatehouse.router);
  app.get('/_matrix/client/v3/sync', async (request, response) => {
    const verdict = await gatehouse.verify(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    response.json(verdict);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  expect((server.address() as AddressInfo).port).toBe(port);
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await gatehouse.close();
  await idp.close();
  rmSync(folder, { recursive: true, force: true });
});

it('serves its own routes, passes on the others, and verifies tokens for them', async () => {
  expect((await ask(`${url}_matrix/client/v1/auth_metadata`)).body).toMatchObject({ issuer: url });
  const client = await registerTestClient({ url });
  const browser = createBrowser();
  const back = await signIn(browser, client.authorizeUrl(), client.redirectUri);
  const answer = await client.redeem(new URL(back.url).searchParams.get('code') ?? '');
  const sync = await ask(`${url}_matrix/client/v3/sync`, {
    headers: { authorization: `Bearer ${String(answer.body['access_token'])}` },
  });
  expect(sync.body).toMatchObject({
    kind: 'active',
    access: { localpart: 'alice', deviceId: 'TESTDEVICE', clientId: client.clientId },
  });
  expect((await ask(`${url}_matrix/client/v3/sync`)).body).toEqual({ kind: 'inactive', reason: 'malformed' });
  expect((await gatehouse.readiness()).status).toBe('ok');
});
