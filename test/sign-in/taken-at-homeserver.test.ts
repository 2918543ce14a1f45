/** A first sign-in asks the homeserver whether the name is free: to tell it of a user that it has already would hand over that account. */
import { expect, it } from 'vitest';
import { startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient } from '../support/oauth-client.ts';
import { startScriptedSynapse } from '../support/scripted-synapse.ts';

it('refuses a name that the homeserver has or keeps, lets others in, and asks once a person', async () => {
  await using synapse = await startScriptedSynapse('shared-with-the-homeserver');
  await using gatehouse = await startGatehouse({
    env: { GATEHOUSE__HOMESERVER__KIND: 'synapse', GATEHOUSE__HOMESERVER__URL: synapse.url },
  });
  const client = await registerTestClient(gatehouse);
  const signIn = (login: string) =>
    client.tokens({ login, parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}D` } });

  synapse.reserved.add('alice');
  await expect(signIn('alice')).rejects.toThrow();
  expect(synapse.calls).toEqual(['is_localpart_available']);
  expect(synapse.users.has('alice')).toBe(false);
  synapse.reserved.clear();

  synapse.fail('*', { kind: 'status', status: 403 });
  await expect(signIn('alice')).rejects.toThrow();
  expect(synapse.users.has('alice')).toBe(false);

  await signIn('alice');
  synapse.calls.length = 0;
  await signIn('alice');
  expect(synapse.calls).not.toContain('is_localpart_available');
  expect(synapse.users.has('alice')).toBe(true);
});

it('refuses the name of a user that the homeserver had before', async () => {
  await using synapse = await startScriptedSynapse('shared-with-the-homeserver');
  await using gatehouse = await startGatehouse({
    env: { GATEHOUSE__HOMESERVER__KIND: 'synapse', GATEHOUSE__HOMESERVER__URL: synapse.url },
  });
  const client = await registerTestClient(gatehouse);
  const headers = { authorization: 'Bearer shared-with-the-homeserver', 'content-type': 'application/json' };
  const body = JSON.stringify({ localpart: 'bob', set_displayname: 'The first Bob' });
  await fetch(`${synapse.url}/_synapse/mas/provision_user`, { method: 'POST', headers, body });
  await expect(client.tokens({ login: 'bob' })).rejects.toThrow(/belongs to another account/);
  expect(synapse.users.get('bob')).toMatchObject({ displayname: 'The first Bob' });
  expect(synapse.users.get('bob')?.devices.size).toBe(0);
});

it.each<[string, number, RegExp]>([
  ['M_USER_IN_USE', 403, /@bob:example\.org belongs to another account/],
  [
    'M_EXCLUSIVE',
    403,
    /The name @bob:example\.org is reserved for other purposes on this server, such as a bridge/,
  ],
  ['M_INVALID_USERNAME', 403, /does not accept @bob:example\.org as the name of a new account/],
  // Nothing about the name: what the homeserver does not understand is no verdict, and waiting does not cure it.
  ['M_UNKNOWN', 503, /does not work, and trying again does not change that/],
  ['M_MISSING_PARAM', 503, /does not work, and trying again does not change that/],
  ['M_NOT_FOUND', 503, /does not work, and trying again does not change that/],
])('a homeserver that answers %s is %i on the page, in words of its own', async (errcode, status, words) => {
  await using synapse = await startScriptedSynapse('shared-with-the-homeserver');
  await using gatehouse = await startGatehouse({
    env: { GATEHOUSE__HOMESERVER__KIND: 'synapse', GATEHOUSE__HOMESERVER__URL: synapse.url },
  });
  const client = await registerTestClient(gatehouse);
  synapse.fail('is_localpart_available', { kind: 'status', status: 400, errcode }, 9);
  const browser = createBrowser();
  await browser.open(client.authorizeUrl());
  const page = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
  expect(page.status).toBe(status);
  expect(page.text).toMatch(words);
  expect(synapse.users.has('bob')).toBe(false);
  synapse.heal();
  await client.tokens({ login: 'bob' });
});
