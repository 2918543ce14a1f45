/** Replacing cross-signing keys from the account page: after a recent sign-in and a question, and only where a homeserver is told of it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { ask, postForm } from '../support/oauth-client.ts';
import { type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';
import { runCli } from '../cli/run-cli.ts';

const PLACE = 'account/cross-signing-reset';
const TITLE = 'Replace your encryption keys?';

let synapse: ScriptedSynapse;
let gatehouse: Gatehouse;
beforeAll(async () => {
  synapse = await startScriptedSynapse('shared-with-the-homeserver');
  gatehouse = await startGatehouse({ env: environment() });
});
afterEach(() => {
  synapse.heal();
  synapse.users.clear();
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
  await synapse[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({
  GATEHOUSE__HOMESERVER__KIND: 'synapse',
  GATEHOUSE__HOMESERVER__URL: synapse.url,
});
const at = (path: string): string => `${gatehouse.url}${path}`;
const allowed = (): unknown => synapse.users.get('alice')?.crossSigningReset ?? false;

/** Opens a place and signs in where that is asked for. */
async function visit(path: string): Promise<{ browser: Browser; page: Page; visited: readonly string[] }> {
  const browser = createBrowser();
  let page = await browser.open(at(path));
  const { visited } = page;
  if (page.title.includes('test IdP')) {
    page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  }
  return { browser, page, visited };
}

describe('a person', () => {
  it.each(['org.matrix.cross_signing_reset', 'cross_signing_reset'])(
    'comes from an app by the action %s, signs in anew, and lets the app go on',
    async (action) => {
      const { browser, page, visited } = await visit(`account?action=${action}`);
      expect(page).toMatchObject({ status: 200, title: TITLE, url: at(PLACE) });
      expect(visited.some((url) => url.includes('max_age='))).toBe(true);
      expect(allowed()).toBe(false);
      const done = await browser.submit({ button: 'Replace your encryption keys' });
      expect(done.title).toBe('Go back to your app');
      expect(allowed()).toBe(true);
    },
  );

  it('finds it on the account page, and can go back', async () => {
    const { browser } = await visit('account');
    const question = await browser.follow('Replace your encryption keys');
    expect(question.title).toBe(TITLE);
    expect((await browser.follow('Back')).title).toBe('Your account');
    expect(allowed()).toBe(false);
  });

  it('signs in again if the sign-in at the IdP was long ago', async () => {
    const { browser } = await visit('account');
    gatehouse.idp.forgetSessions();
    expect((await browser.open(at(PLACE))).title).toContain('Sign in to the test IdP');
    expect(allowed()).toBe(false);
  });

  it('is told if the homeserver does not answer, and tries again', async () => {
    const { browser } = await visit(PLACE);
    synapse.fail('allow_cross_signing_reset', { kind: 'status', status: 502 }, 3);
    const failed = await browser.submit({ button: 'Replace your encryption keys' });
    expect(failed.status).toBe(503);
    expect(allowed()).toBe(false);
    await browser.open(at(PLACE));
    expect((await browser.submit({ button: 'Replace your encryption keys' })).status).toBe(200);
    expect(allowed()).toBe(true);
  });

  it('cannot while the account is locked', async () => {
    const { browser, page } = await visit(PLACE);
    const config = ['--config', `${gatehouse.folder}/gatehouse.yaml`];
    await runCli(['users', 'lock', 'alice', ...config], { env: environment() });
    const posted = await browser.submit({ button: 'Replace your encryption keys' });
    const asked = await browser.open(at(PLACE));
    await runCli(['users', 'unlock', 'alice', ...config], { env: environment() });
    expect([page.status, posted.status, asked.status]).toEqual([200, 403, 403]);
    expect(posted.text).toContain('Your account is locked');
    expect(allowed()).toBe(false);
  });
});

it('is advertised, and nothing but the form of this page opens the window', async () => {
  const metadata = (await ask(at('.well-known/openid-configuration'))).body;
  expect(metadata['account_management_actions_supported']).toContain('org.matrix.cross_signing_reset');
  const { browser, page } = await visit(PLACE);
  const csrf = new Map(page.forms[0]?.fields).get('csrf') ?? '';
  const cookie = `gatehouse-account=${browser.cookies(gatehouse.url)['gatehouse-account'] ?? ''}`;
  const refused = [
    await postForm(at(PLACE), {}, { cookie }),
    await postForm(at(PLACE), { csrf: 'wrong' }, { cookie }),
    await postForm(at(PLACE), { csrf }, {}),
    await postForm(at(PLACE), { csrf }, { cookie, 'sec-fetch-site': 'cross-site' }),
    await postForm(at(PLACE), { csrf }, { cookie, origin: 'https://evil.example' }),
    await postForm(at('account/sign-out'), { csrf }, { cookie }),
  ];
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
  await ask(at(`${PLACE}?csrf=${encodeURIComponent(csrf)}`), { headers: { cookie } });
  expect(allowed()).toBe(false);
});

it('is not there without a homeserver that is told of it', async () => {
  await using alone = await startGatehouse();
  const metadata = (await ask(`${alone.url}.well-known/openid-configuration`)).body;
  expect(metadata['account_management_actions_supported']).not.toContain('org.matrix.cross_signing_reset');
  const browser = createBrowser();
  await browser.open(`${alone.url}account`);
  const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  expect(page.text).not.toContain('encryption keys');
  expect((await browser.open(`${alone.url}${PLACE}`)).status).toBe(404);
});
