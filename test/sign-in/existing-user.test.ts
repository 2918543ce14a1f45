/** A person whose name is that of a user who is there already gets that user only on proof, and only from a provider of which the operator wants it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { runCli } from '../cli/run-cli.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import {
  type ScriptedSynapse,
  type ScriptedUser,
  startScriptedSynapse,
} from '../support/scripted-synapse.ts';
import { faultsOf, makeFolder, minimal, withProvider } from '../config/support.ts';

let synapse: ScriptedSynapse;
let gatehouse: Gatehouse;
let client: TestClient;

beforeAll(async () => {
  synapse = await startScriptedSynapse('shared-with-the-homeserver');
  gatehouse = await startGatehouse({ env: environment() });
  synapse.endpoint = gatehouse.url;
  client = await registerTestClient(gatehouse);
});
afterEach(() => {
  synapse.heal();
  synapse.endpoint = gatehouse.url;
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
  await synapse[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({
  GATEHOUSE__HOMESERVER__KIND: 'synapse',
  GATEHOUSE__HOMESERVER__URL: synapse.url,
  GATEHOUSE__PROVIDERS__0__LOCALPART_CONFLICT: 'link_existing',
});
const signIn = (login: string): Promise<unknown> =>
  client.tokens({ login, parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}NEW` } });
/** A user that Synapse had before. */
const putUser = (localpart: string, change: Partial<ScriptedUser> = {}): ScriptedUser => {
  const user: ScriptedUser = {
    displayname: 'As it was',
    avatarUrl: null,
    emails: [`${localpart}@example.org`],
    locked: false,
    deactivated: false,
    crossSigningReset: false,
    devices: new Map([['OLD', 'An old phone']]),
    ...change,
  };
  synapse.users.set(localpart, user);
  return user;
};
const claims = (login: string): Record<string, unknown> => gatehouse.idp.accounts.get(login) ?? {};

describe('a user of the homeserver with the same name', () => {
  it.each<[string, Partial<ScriptedUser>, object]>([
    ['has another address', { emails: ['other@example.org'] }, {}],
    ['has no address', { emails: [] }, {}],
    ['has the address, and the provider does not call it verified', {}, { email_verified: false }],
    ['has the address, and the provider says nothing of it', {}, { email_verified: undefined }],
    ['is an administrator', { special: { admin: true } }, {}],
    ['is a bot', { special: { user_type: 'bot' } }, {}],
    ['belongs to an application service', { special: { appservice_id: 'bridge' } }, {}],
    ['is a guest', { special: { is_guest: true } }, {}],
    ['is deactivated', { deactivated: true }, {}],
  ])('is not given away if it %s', async (_case, change, said) => {
    const user = putUser('alice', change);
    const before = { ...claims('alice') };
    Object.assign(claims('alice'), said);
    await expect(signIn('alice')).rejects.toThrow(/belongs to another account/);
    Object.assign(claims('alice'), before);
    expect([...user.devices.keys()]).toEqual(['OLD']);
    expect(user.displayname).toBe('As it was');
  });

  it.each<[string, () => void]>([
    ['does not answer', () => synapse.fail('*', { kind: 'status', status: 403 }, 20)],
    ['cannot ask us whose the token is', () => void (synapse.endpoint = undefined)],
  ])('is not given away while the homeserver %s', async (_case, breakIt) => {
    const user = putUser('alice');
    breakIt();
    await expect(signIn('alice')).rejects.toThrow();
    expect([...user.devices.keys()]).toEqual(['OLD']);
  });

  it('is the person with the same verified address, whatever its letter case, and stays so', async () => {
    const user = putUser('alice', { emails: ['second@example.org', 'Alice@Example.ORG'] });
    await signIn('alice');
    expect([...user.devices.keys()]).toEqual(['OLD', 'NEW']);
    // Linked from now on: the proof is needed once.
    user.emails = [];
    Object.assign(claims('alice'), { email_verified: false });
    await signIn('alice');
    const audit = await runCli(
      ['users', 'show', 'alice', '--json', '--config', `${gatehouse.folder}/gatehouse.yaml`],
      {
        env: environment(),
      },
    );
    expect(JSON.parse(audit.stdout)).toMatchObject({ links: [{ subject: 'sub-of-alice' }] });
  });

  it('that is a user here too gets a second link', async () => {
    await signIn('bob');
    Object.assign(claims('bob'), { sub: 'another-sub-of-bob' });
    gatehouse.idp.forgetSessions();
    await signIn('bob');
    const shown = await runCli(
      ['users', 'show', 'bob', '--json', '--config', `${gatehouse.folder}/gatehouse.yaml`],
      {
        env: environment(),
      },
    );
    expect(JSON.parse(shown.stdout)).toMatchObject({
      links: [{ subject: 'sub-of-bob' }, { subject: 'another-sub-of-bob' }],
    });
  });

  it('is not the user of this service', async () => {
    Object.assign(claims('carol'), { preferred_username: 'gatehouse-service', email: 'c@example.org' });
    const service = synapse.users.get('gatehouse-service');
    if (service !== undefined) service.emails = ['c@example.org'];
    await expect(signIn('carol')).rejects.toThrow(/belongs to another account/);
  });
});

describe('the configuration', () => {
  it('refuses unless the operator says otherwise', () => {
    const { providers } = parseConfig(minimal(), { baseDir: makeFolder() });
    expect(providers[0]?.localpart_conflict).toBe('refuse');
  });

  it('cannot link without a homeserver that knows addresses', () => {
    const faults = faultsOf(withProvider({ localpart_conflict: 'link_existing' }));
    expect(faults).toMatchObject([{ path: 'providers[0].localpart_conflict' }]);
  });
});
