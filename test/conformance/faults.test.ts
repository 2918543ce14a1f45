/** What is answered while something that we depend on is down, slow or lying; and that all is well again once it is back. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { ask, postForm, registerTestClient, type TestClient } from '../support/oauth-client.ts';

let gatehouse: Gatehouse;
let client: TestClient;
beforeEach(async () => {
  gatehouse = await startGatehouse();
  client = await registerTestClient(gatehouse);
});
afterEach(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const metadata = (): ReturnType<typeof ask> => ask(`${gatehouse.url}_matrix/client/v1/auth_metadata`);

describe('the identity provider', () => {
  it('answers HTML with 503 at its token endpoint: a page that says so, and the same sign-in goes on later', async () => {
    const browser = createBrowser();
    browser.stopAt(client.redirectUri);
    await browser.open(client.authorizeUrl());
    gatehouse.idp.faults.html503 = true;
    const failed = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    if (failed.url.startsWith(gatehouse.url)) expect(failed.status).toBe(503);
    gatehouse.idp.faults.html503 = false;
    await browser.open(client.authorizeUrl());
    gatehouse.idp.faults.tokenStatus = 500;
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.status).toBe(503);
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(page.title).toBe('Not available at the moment');
    expect((await metadata()).status).toBe(200);
    gatehouse.idp.faults.tokenStatus = undefined;
    const consent = await browser.follow('Try again');
    expect(consent.title).toContain('Allow');
    const done = await browser.submit({ button: 'Allow' });
    expect(new URL(done.url).searchParams.get('code')).toMatch(/^gac_/);
  });

  it('is down: refresh, whoami, introspection and metadata go on', async () => {
    const tokens = await client.tokens();
    await gatehouse.idp.goDown();
    const refreshed = await client.refresh(tokens.refresh_token);
    expect(refreshed.status).toBe(200);
    expect(await gatehouse.introspect(String(refreshed.body['access_token']))).toMatchObject({
      active: true,
    });
    expect((await metadata()).status).toBe(200);
  });

  it('says no: a page that says so, and a way back to the client', async () => {
    const browser = createBrowser();
    browser.stopAt(client.redirectUri);
    await browser.open(client.authorizeUrl());
    const page = await browser.submit({ button: 'Cancel' });
    expect(page.status).toBe(403);
    const back = await browser.follow('Return to the app');
    expect(Object.fromEntries(new URL(back.url).searchParams)).toMatchObject({
      error: 'access_denied',
      iss: gatehouse.url,
    });
  });

  it('sends a wrong nonce: nobody is signed in', async () => {
    const browser = createBrowser();
    gatehouse.idp.faults.nonce = 'somebody-elses';
    await browser.open(client.authorizeUrl());
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.status).toBe(403);
    expect(page.body).not.toContain('nonce');
  });

  it('vouches for a name that is no localpart: a page names claim and value', async () => {
    gatehouse.idp.accounts.set('odd', { sub: 'sub-of-odd', preferred_username: 'Zoë "the <b>odd</b>"' });
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'odd' } });
    expect(page.status).toBe(403);
    expect(page.text).toContain('Zoë "the <b>odd</b>"');
    expect(page.text).toContain('preferred_username');
    expect(page.body).not.toContain('<b>odd');
  });
});

describe('the database', () => {
  it('is locked by somebody else: revocation answers 503, refresh too but without an error member, reads go on, and nothing is lost', async () => {
    const tokens = await client.tokens();
    expect((await gatehouse.introspect(tokens.access_token))['active']).toBe(true);
    const other = new DatabaseSync(join(gatehouse.folder, 'gatehouse.db'));
    other.exec('begin immediate');
    const revoked = await postForm(`${gatehouse.url}oauth2/revoke`, { token: tokens.refresh_token });
    expect(revoked).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(revoked.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    const refused = await client.refresh(tokens.refresh_token);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(refused.body).not.toHaveProperty('error');
    expect((await gatehouse.introspect(tokens.access_token))['active']).toBe(true);
    expect((await metadata()).status).toBe(200);
    other.exec('rollback');
    other.close();
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
  }, 40_000);
});
