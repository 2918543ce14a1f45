/** The operator's commands beside a running service: another process on the same SQLite file. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorName } from '../../src/cli/record-events.ts';
import { hashSecret } from '../../src/protocol/token-format.ts';
import { tables } from '../../src/storage/tables.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { newPostgresDatabase, testEngines } from '../support/database.ts';
import { createBrowser } from '../support/browser.ts';
import { ask, postForm, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { type Ended, runCli, writeConfig } from './run-cli.ts';

let gatehouse: Gatehouse;
let client: TestClient;
let config: string;

beforeAll(async () => {
  gatehouse = await startGatehouse({
    idp: { passwordGrant: true },
    yaml: 'legacy_login: { password: { allow_users: [dave] } }',
  });
  config = join(gatehouse.folder, 'gatehouse.yaml');
  client = await registerTestClient(gatehouse);
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const run = (...args: string[]): Promise<Ended> => runCli([...args, '--config', config]);
const json = async (...args: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await run(...args, '--json');
  // What was done is told there, too; nothing else.
  expect(stderr.replace(/^gatehouse: event \w+ .*\n/gm, '')).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
};
const whoami = (token: string): ReturnType<typeof ask> =>
  ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, { headers: { authorization: `Bearer ${token}` } });
const introspect = (token: string): ReturnType<typeof postForm> =>
  postForm(
    `${gatehouse.url}oauth2/introspect`,
    { token },
    { authorization: `Bearer ${gatehouse.homeserverSecret}` },
  );

describe('gatehouse users export', () => {
  it('prints what is stored about one person, and neither a secret nor anybody else', async () => {
    const tokens = await client.tokens({ login: 'alice' });
    await client.tokens({ login: 'bob' });
    const { code, stdout } = await run('users', 'export', 'alice');
    expect(code).toBe(0);
    const { user_id: userId, stored } = JSON.parse(stdout) as {
      user_id: string;
      stored: Record<string, Record<string, unknown>[]>;
    };
    expect(userId).toBe('@alice:example.org');
    const [alice] = stored['users'] ?? [];
    expect(alice).toMatchObject({ localpart: 'alice', displayname: 'Alice Liddell', locked_at: null });
    expect(alice?.['created_at']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(stored['upstream_links']).toMatchObject([{ subject: 'sub-of-alice', provider_id: 'main' }]);
    expect(stored['sessions']?.length).toBeGreaterThan(0);
    expect(Object.keys(stored).sort()).toEqual(
      Object.entries(tables)
        .filter(([, { person }]) => person !== 'nobody' && !('follows' in person))
        .map(([table]) => table)
        .sort(),
    );
    for (const row of Object.values(stored).flat()) {
      expect([alice?.['id']]).toContain(row['user_id'] ?? row['id']);
      expect(Object.keys(row).join(' ')).not.toMatch(/hash|sealed|nonce|challenge/);
    }
    for (const secret of [tokens.access_token, tokens.refresh_token, hashSecret(tokens.access_token)]) {
      expect(stdout).not.toContain(secret);
    }
    expect(stdout).not.toMatch(/bob/i);
  });

  it.each([['nobody'], ['@alice:elsewhere.example']])('of %s, who is not here, says so', async (name) => {
    const { code, stdout, stderr } = await run('users', 'export', name);
    expect(code).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });
});

describe('gatehouse users', () => {
  it('lists and shows people, for a person and for a machine', async () => {
    await client.tokens({ login: 'alice' });
    const list = await run('users', 'list');
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toMatch(
      /^USER +STATE +CREATED +NAME\n@alice:example\.org +active +\S+ \S+ +Alice Liddell$/m,
    );
    const [alice] = (await json('users', 'list', '--containing', 'lic')) as Record<string, unknown>[];
    expect(alice).toMatchObject({ user_id: '@alice:example.org', state: 'active', admin: false });
    expect(await json('users', 'list', '--containing', '%')).toEqual([]);
    for (const name of ['alice', '@alice:example.org', String(alice?.['id'])]) {
      expect(await json('users', 'show', name)).toMatchObject({
        id: alice?.['id'],
        sessions: 1,
        links: [{ provider: 'main', issuer: gatehouse.idp.issuer, subject: 'sub-of-alice' }],
      });
    }
  });

  it('locks: soft logout on our routes, 503 on introspection, refresh goes on; unlocks', async () => {
    const tokens = await client.tokens({ login: 'bob', parameters: { scope: device('LOCKED') } });
    expect((await run('users', 'lock', 'bob')).stdout).toBe('@bob:example.org is locked.\n');
    expect(await whoami(tokens.access_token)).toMatchObject({
      status: 401,
      body: { errcode: 'M_USER_LOCKED', soft_logout: true },
    });
    const answer = await introspect(tokens.access_token);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    const refreshed = await client.refresh(tokens.refresh_token);
    expect(refreshed.status).toBe(200);
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    const told = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
    expect(told.text).toContain('This account is locked');
    expect((await run('users', 'lock', 'bob')).stdout).toBe('@bob:example.org was locked already.\n');
    expect(await json('users', 'unlock', 'bob')).toMatchObject({ state: 'active', changed: true });
    // Only what changed something is an event, and who did it is known afterwards.
    const { id } = (await json('users', 'show', 'bob')) as { id: string };
    const entries = (await json('audit')) as Record<string, unknown>[];
    expect(entries.filter((entry) => entry['user_id'] === id)).toEqual([
      expect.objectContaining({
        event: 'user_unlocked',
        actor: 'operator',
        actor_name: operatorName(process.env),
      }),
      expect.objectContaining({
        event: 'user_locked',
        actor: 'operator',
        actor_name: operatorName(process.env),
      }),
    ]);
    expect((await run('audit', '--limit', '1')).stdout).toMatch(
      new RegExp(`^TIME +ACTOR +EVENT +ABOUT\\n.* user_unlocked +user_id=${id}\\n$`),
    );
    expect((await whoami(String(refreshed.body['access_token']))).status).toBe(200);
    expect((await introspect(String(refreshed.body['access_token']))).body).toMatchObject({ active: true });
  });

  it('deactivates for good: tokens dead, refresh invalid_grant, login refused', async () => {
    const tokens = await client.tokens({ login: 'carol', parameters: { scope: device('GONE') } });
    const pending = await client.authorize({ login: 'carol', parameters: { scope: device('PENDING') } });
    const asked = await run('users', 'deactivate', 'carol');
    expect(asked).toMatchObject({ code: 1, stdout: '' });
    expect(asked.stderr).toContain('-> Add --yes to confirm');
    expect((await whoami(tokens.access_token)).status).toBe(200);

    expect((await run('users', 'deactivate', '@carol:example.org', '--yes')).stdout).toBe(
      '@carol:example.org is deactivated, and 1 session has ended.\n',
    );
    expect(await whoami(tokens.access_token)).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
    });
    expect((await introspect(tokens.access_token)).body).toEqual({ active: false });
    expect(await client.refresh(tokens.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await client.redeem(pending.get('code') ?? '')).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    const refused = await browser.submit({ button: 'Sign in', fields: { login: 'carol' } });
    expect(refused).toMatchObject({ status: 403 });
    expect(refused.text).toContain('This account has been deactivated');
    expect(await run('users', 'unlock', 'carol')).toMatchObject({ code: 1 });
    expect(await json('users', 'deactivate', 'carol', '--yes')).toMatchObject({
      state: 'deactivated',
      changed: false,
    });
  });

  it('reactivates who was deactivated, and erases for good', async () => {
    await run('users', 'deactivate', 'carol', '--yes');
    expect(await json('users', 'reactivate', 'carol')).toMatchObject({ state: 'active', changed: true });
    expect((await run('users', 'erase', 'carol', '--yes')).stderr).toContain('carol is not deactivated');
    expect((await run('users', 'reactivate', 'carol')).stdout).toContain('was not deactivated');
    expect((await whoami((await client.tokens({ login: 'carol' })).access_token)).status).toBe(200);

    await run('users', 'deactivate', 'carol', '--yes');
    expect((await run('users', 'erase', 'carol')).stderr).toContain('-> Add --yes to confirm');
    expect(await json('users', 'erase', 'carol', '--yes')).toMatchObject({
      state: 'erased',
      displayname: null,
    });
    expect((await json('users', 'show', 'carol')) as object).toMatchObject({ links: [], sessions: 0 });
    expect((await run('users', 'reactivate', 'carol')).stderr).toContain('the data of carol is erased');
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    // Nobody gets the name again, not even who had it.
    expect(await browser.submit({ button: 'Sign in', fields: { login: 'carol' } })).toMatchObject({
      status: 403,
    });
  });

  it('says what is wrong, and how to fix it', async () => {
    expect(await run('users', 'show', 'nobody')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'gatehouse: there is no user nobody\n  -> List the users: gatehouse users list\n',
    });
    expect((await run('users', 'lock', '@alice:elsewhere.org')).stderr).toContain(
      'is not a user of example.org',
    );
    const { file, folder } = await writeConfig();
    const none = await runCli(['users', 'list', '--config', file]);
    expect(none).toMatchObject({ code: 1 });
    expect(none.stderr).toMatch(/there is no database at .*gatehouse\.db yet\n {2}-> Start the service once/);
    writeFileSync(file, 'server_name: 5\n');
    expect(await runCli(['users', 'list', '--config', join(folder, 'gatehouse.yaml')])).toMatchObject({
      code: 2,
    });
  });
});

describe('gatehouse sessions', () => {
  it('lists them, and ends one by its id or many by what they share', async () => {
    const tokens = await Promise.all(
      ['ONE', 'TWO', 'THREE'].map((id) => client.tokens({ parameters: { scope: device(id) } })),
    );
    const sessions = (await json('sessions', 'list', '--user', 'alice')) as Record<string, unknown>[];
    const one = sessions.find((session) => session['device_id'] === 'ONE');
    expect(one).toMatchObject({ client_name: 'Test client', user_id: '@alice:example.org', ended_at: null });
    expect((await run('sessions', 'list')).stdout).toContain('@alice:example.org  ONE');

    expect((await run('sessions', 'end', String(one?.['id']))).stdout).toBe('1 session has ended.\n');
    expect((await introspect(tokens[0]?.access_token ?? '')).body).toEqual({ active: false });
    expect((await introspect(tokens[1]?.access_token ?? '')).body).toMatchObject({ active: true });
    expect(await client.refresh(tokens[0]?.refresh_token ?? '')).toMatchObject({ status: 400 });
    expect(await json('sessions', 'list', '--ended', '--device', 'ONE')).toMatchObject([
      { end_reason: 'ended_by_admin' },
    ]);

    expect(await run('sessions', 'end')).toMatchObject({ code: 1 });
    expect(await run('sessions', 'end', 'unknown')).toMatchObject({ code: 1 });
    const unsure = await run('sessions', 'end', '--user', 'alice');
    expect(unsure).toMatchObject({ code: 1, stdout: '' });
    expect(unsure.stderr).toMatch(/this would end \d+ sessions\n {2}-> Add --yes/);
    expect((await introspect(tokens[1]?.access_token ?? '')).body).toMatchObject({ active: true });
    await json('sessions', 'end', '--user', 'alice', '--yes');
    expect((await introspect(tokens[1]?.access_token ?? '')).body).toEqual({ active: false });
    expect((await introspect(tokens[2]?.access_token ?? '')).body).toEqual({ active: false });
  });
});

it('gatehouse sessions shows those of legacy login by the name of their device', async () => {
  gatehouse.idp.accounts.set('dave', { sub: 'sub-of-dave', preferred_username: 'dave' });
  gatehouse.idp.passwords.set('dave', 'password of dave');
  const logIn = async (deviceId: string, name: string | null): Promise<string> => {
    const { body } = await ask(`${gatehouse.url}_matrix/client/v3/login`, {
      method: 'POST',
      body: JSON.stringify({
        type: 'm.login.password',
        user: 'dave',
        password: 'password of dave',
        device_id: deviceId,
        initial_device_display_name: name,
      }),
    });
    return String(body['access_token']);
  };
  const named = await logIn('OLD PHONE', 'Dave’s \u001b[31mphone');
  await logIn('NAMELESS', null);
  const { stdout } = await run('sessions', 'list', '--user', 'dave');
  expect(stdout).toMatch(/OLD PHONE +legacy login: Dave/);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toMatch(/NAMELESS +legacy login {2}/);
  const [session] = (await json('sessions', 'list', '--device', 'OLD PHONE')) as Record<string, unknown>[];
  expect(session).toMatchObject({
    client_id: null,
    client_name: null,
    origin: 'legacy_login',
    device_id: 'OLD PHONE',
    device_name: 'Dave’s \u001b[31mphone',
    scope: ['urn:matrix:client:api:*'],
  });
  await json('sessions', 'end', '--device', 'OLD PHONE', '--yes');
  expect((await introspect(named)).body).toEqual({ active: false });
});

describe('gatehouse clients', () => {
  it('adds a client that works at once, shows it, and removes it with its sessions', async () => {
    const added = (await json(
      'clients',
      'add',
      '--name',
      'Operators’ own',
      '--redirect-uri',
      client.redirectUri,
      '--auth-method',
      'client_secret_post',
    )) as Record<string, string>;
    expect(added).toMatchObject({ from: 'operator', client_secret: expect.stringMatching(/^gcs_/) });
    const id = added['client_id'] ?? '';
    const credentials = { client_id: id, client_secret: added['client_secret'] ?? '' };
    const back = await client.authorize({ parameters: { client_id: id, scope: device('OWN') } });
    const redeemed = await client.redeem(back.get('code') ?? '', credentials);
    expect(redeemed.status).toBe(200);
    const token = String(redeemed.body['access_token']);
    expect((await introspect(token)).body).toMatchObject({ active: true, client_id: id });

    const shown = await run('clients', 'show', id);
    expect(shown.stdout).toMatch(/Sessions +1$/m);
    expect(shown.stdout + JSON.stringify(await json('clients', 'show', id))).not.toContain(
      credentials.client_secret,
    );
    expect((await run('clients', 'list')).stdout).toMatch(
      new RegExp(`^${id} .*operator +client_secret_post`, 'm'),
    );
    expect(readFileSync(join(gatehouse.folder, 'gatehouse.db'), 'latin1')).not.toContain(
      credentials.client_secret,
    );

    expect(await run('clients', 'remove', id)).toMatchObject({ code: 1, stdout: '' });
    expect((await introspect(token)).body).toMatchObject({ active: true });
    expect(await json('clients', 'remove', id, '--yes')).toEqual({ removed: true, ended: 1 });
    expect((await introspect(token)).body).toEqual({ active: false });
    expect(await client.refresh(String(redeemed.body['refresh_token']), credentials)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect((await ask(client.authorizeUrl({ client_id: id }))).status).toBe(400);
  });

  it.each([
    [['--redirect-uri', 'javascript:alert(1)'], '--redirect-uri must'],
    [[], '--redirect-uri is missing'],
    [['--redirect-uri', 'https://a.example/', '--grant', 'implicit'], '--grant'],
    [['--redirect-uri', 'https://a.example/', '--auth-method', 'magic'], '--auth-method'],
  ])('refuses %j', async (flags, text) => {
    const refused = await run('clients', 'add', ...flags);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(text);
    expect(refused.stdout).toBe('');
  });
});

it.runIf(testEngines().includes('postgres'))(
  'works on PostgreSQL too, beside the running service',
  async () => {
    const database = await newPostgresDatabase();
    const env = {
      GATEHOUSE__DATABASE__URL: database.url,
      GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    };
    const service = await startGatehouse({ env });
    const app = await registerTestClient(service);
    const tokens = await app.tokens({ login: 'bob' });
    const cli = (...args: string[]): Promise<Ended> =>
      runCli([...args, '--config', join(service.folder, 'gatehouse.yaml')], { env });
    expect((await cli('users', 'list', '--containing', 'o')).stdout).toContain('@bob:example.org');
    expect((await cli('sessions', 'list')).stdout).toContain('TESTDEVICE');
    expect(await cli('sessions', 'end', '--user', 'bob', '--yes')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^gatehouse: event session_ended .*reason=ended_by_admin/) as string,
    });
    expect(await service.introspect(tokens.access_token)).toEqual({ active: false });
    const audit = await cli('audit', '--json');
    expect(JSON.parse(audit.stdout)).toEqual([
      expect.objectContaining({ event: 'session_ended', reason: 'ended_by_admin', actor: 'operator' }),
    ]);
    expect(await cli('clients', 'remove', app.clientId, '--yes')).toMatchObject({ code: 0 });
    await service[Symbol.asyncDispose]();
    const { code, stderr } = await runCli(['users', 'list', '--config', config], {
      env: { ...env, GATEHOUSE__DATABASE__URL: 'postgres://nobody@127.0.0.1:9/none' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gatehouse: /);
    expect(stderr).not.toMatch(/ at .*\.ts/);
    await database.remove();
  },
  60_000,
);

function device(id: string): string {
  return `urn:matrix:client:api:* urn:matrix:client:device:${id}`;
}
