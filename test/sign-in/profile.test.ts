/** What the homeserver is told of a person at a sign-in, field by field. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { profileOf, type ProfileRule } from '../../src/sign-in/profile.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';

const rules = { displayname: 'name', email: 'email', avatar: 'picture' };
const everything = {
  name: 'Alice',
  email: 'alice@example.org',
  email_verified: true,
  picture: 'mxc://example.org/AbC_1-2',
};
const all = { displayname: 'Alice', emails: ['alice@example.org'], avatarUrl: 'mxc://example.org/AbC_1-2' };
const policyOf = (rule: ProfileRule) => ({ displayname: rule, email: rule, avatar: rule });

describe('by the policy of each field', () => {
  test.each<[string, ProfileRule, boolean, unknown]>([
    ['force, at the first sign-in', 'force', true, all],
    ['force, later', 'force', false, all],
    ['suggest, at the first sign-in', 'suggest', true, all],
    ['suggest, later', 'suggest', false, undefined],
    ['off, at the first sign-in', 'off', true, undefined],
    ['off, later', 'off', false, undefined],
  ])('%s', (_case, rule, isNew, told) => {
    expect(profileOf({ rules, policy: policyOf(rule) }, { claims: everything, isNew })).toEqual(told);
  });

  test('each by its own', () => {
    const policy = { displayname: 'suggest', email: 'force', avatar: 'off' } as const;
    expect(profileOf({ rules, policy }, { claims: everything, isNew: false })).toEqual({
      emails: ['alice@example.org'],
    });
  });
});

describe('by the claims', () => {
  const { displayname, emails, avatarUrl } = all;
  test.each<[string, object, unknown]>([
    ['an e-mail address that is verified, as text', { email_verified: 'true' }, all],
    ['one that is not verified', { email_verified: false }, { displayname, avatarUrl }],
    ['one of which nothing is said', { email_verified: undefined }, { displayname, avatarUrl }],
    ['one without a domain', { email: 'alice' }, { displayname, avatarUrl }],
    ['one with two @', { email: 'a@b@example.org' }, { displayname, avatarUrl }],
    ['one with a line break', { email: 'a@example.org\nb' }, { displayname, avatarUrl }],
    ['one that is too long', { email: `${'a'.repeat(250)}@example.org` }, { displayname, avatarUrl }],
    ['a picture on the web', { picture: 'https://example.org/alice.png' }, { displayname, emails }],
    ['a picture that leads elsewhere', { picture: 'mxc://example.org/../a' }, { displayname, emails }],
    ['no picture', { picture: undefined }, { displayname, emails }],
    ['no name', { name: undefined }, { emails, avatarUrl }],
    ['a name that is no text', { name: { first: 'Alice' } }, { emails, avatarUrl }],
    ['a long name', { name: 'x'.repeat(300) }, { ...all, displayname: 'x'.repeat(100) }],
    ['nothing at all', { name: '', email: '', picture: '' }, undefined],
  ])('%s', (_case, change, told) => {
    const claims = { ...everything, ...change };
    expect(profileOf({ rules, policy: policyOf('force') }, { claims, isNew: false })).toEqual(told);
  });

  test('a claim of another name needs no email_verified, as nothing says what that is about', () => {
    const mail = { ...rules, email: '{mail|lower}' };
    const claims = { mail: 'Alice@Example.org' };
    expect(profileOf({ rules: mail, policy: policyOf('force') }, { claims, isNew: true })).toEqual({
      emails: ['alice@example.org'],
    });
  });
});

test('the first of several claims that is fit counts', () => {
  const several = { displayname: ['nickname', 'name'], email: ['email', 'mail'], avatar: ['picture', 'mxc'] };
  const claims = {
    name: 'Alice',
    email: 'alice@example.org',
    mail: 'work@example.org',
    picture: 'https://example.org/a.png',
    mxc: 'mxc://example.org/a',
  };
  expect(profileOf({ rules: several, policy: policyOf('force') }, { claims, isNew: true })).toEqual({
    displayname: 'Alice',
    emails: ['work@example.org'],
    avatarUrl: 'mxc://example.org/a',
  });
});

describe('at the homeserver', () => {
  let synapse: ScriptedSynapse;
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    synapse = await startScriptedSynapse('shared-with-the-homeserver');
    gatehouse = await startGatehouse({
      env: {
        GATEHOUSE__HOMESERVER__KIND: 'synapse',
        GATEHOUSE__HOMESERVER__URL: synapse.url,
        GATEHOUSE__HOMESERVER__PROFILE__DISPLAYNAME: 'suggest',
      },
    });
    client = await registerTestClient(gatehouse);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
    await synapse[Symbol.asyncDispose]();
  });
  const signIn = (device: string) =>
    client.tokens({ login: 'alice', parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}${device}` } });

  it('is there with the first device, and follows the provider where that is forced', async () => {
    await signIn('ONE');
    expect(synapse.users.get('alice')).toMatchObject({
      displayname: 'Alice Liddell',
      emails: ['alice@example.org'],
    });
    // The person's own choice, in a client.
    const alice = synapse.users.get('alice');
    if (alice !== undefined) alice.displayname = 'Al';
    const account = gatehouse.idp.accounts.get('alice');
    if (account !== undefined) Object.assign(account, { name: 'Alice Hargreaves', email: 'new@example.org' });
    await signIn('TWO');
    expect(synapse.users.get('alice')).toMatchObject({ displayname: 'Al', emails: ['new@example.org'] });
  });

  it('comes later if the homeserver is down, and the person is signed in all the same', async () => {
    const account = gatehouse.idp.accounts.get('alice');
    if (account !== undefined) account['email'] = 'newest@example.org';
    synapse.fail('*', { kind: 'status', status: 502 }, 100);
    const browser = createBrowser();
    await browser.open(`${gatehouse.url}account`);
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.status).toBe(200);
    expect(page.text).toContain('@alice:example.org');
    expect(synapse.users.get('alice')?.emails).toEqual(['new@example.org']);
    synapse.heal();
    await expect
      .poll(() => synapse.users.get('alice')?.emails, { timeout: 20_000 })
      .toEqual(['newest@example.org']);
  }, 30_000);
});
