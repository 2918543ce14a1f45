/** Sessions of legacy login among the others: people see them by the name of their device, whatever its id, and end them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { ask, registerTestClient } from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      env: {
        ...(await databaseOf(engine)),
        GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true',
        GATEHOUSE__SESSIONS__LIMITS: '{ per_user: 2 }',
      },
    });
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  const logIn = async (user: string, more: Record<string, unknown>): Promise<string> => {
    const answer = await ask(`${gatehouse.url}_matrix/client/v3/login`, {
      method: 'POST',
      body: JSON.stringify({ type: 'm.login.password', user, password: `password of ${user}`, ...more }),
    });
    expect(answer.status).toBe(200);
    return String(answer.body['access_token']);
  };

  it('a person sees and ends them on the account page', async () => {
    const device = '\u{1f4f1} <b>"& old/phone\n';
    const token = await logIn('alice', { device_id: device, initial_device_display_name: 'Old <i>phone' });
    await logIn('alice', { device_id: 'NAMELESS' });
    const browser = createBrowser();
    await browser.open(`${gatehouse.url}account`);
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.text).toContain('Old <i>phone Device \u{1f4f1} <b>"& old/phone Signed in');
    expect(page.text).toContain('A Matrix app Device NAMELESS Signed in');
    expect(page.body).not.toContain('<b>"');
    expect(page.body).not.toContain('<i>phone');

    const place = new URLSearchParams({ action: 'org.matrix.device_delete', device_id: device });
    const question = await browser.open(`${gatehouse.url}account?${place.toString()}`);
    expect(question.title).toBe('Sign out this session?');
    await browser.submit({ button: 'Sign out' });
    expect(await gatehouse.introspect(token)).toEqual({ active: false });
  });

  it('a person may choose one of them to end for a sign-in of another app', async () => {
    const old = await logIn('bob', { device_id: 'OLD', initial_device_display_name: 'Old tablet' });
    const other = await logIn('bob', { device_id: 'OTHER' });
    const client = await registerTestClient(gatehouse);
    const browser = createBrowser();
    browser.stopAt(client.redirectUri);
    await browser.open(
      client.authorizeUrl({ scope: 'urn:matrix:client:api:* urn:matrix:client:device:NEW' }),
    );
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
    expect(page.text).toContain('Old tablet, device OLD');
    expect(page.text).toContain('A Matrix app, device OTHER');
    const box = page.body.split('<label>').find((label) => label.includes('Old tablet')) ?? '';
    const name = /name="(end-[^"]+)"/.exec(box)?.[1] ?? '';
    const back = await browser.submit({ button: 'Allow', fields: { [name]: 'yes' } });
    expect(back.stopped).toBe(true);
    expect(await gatehouse.introspect(old)).toEqual({ active: false });
    expect(await gatehouse.introspect(other)).toMatchObject({ active: true });
  });
});
