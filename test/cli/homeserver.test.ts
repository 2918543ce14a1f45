/** `gatehouse homeserver` beside a running service, against a homeserver that introspects the command's token at it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';
import { type Ended, runCli, writeConfig } from './run-cli.ts';

let synapse: ScriptedSynapse;
let gatehouse: Gatehouse;
let client: TestClient;

beforeAll(async () => {
  synapse = await startScriptedSynapse('shared-with-the-homeserver');
  gatehouse = await startGatehouse({ env: environment() });
  synapse.endpoint = gatehouse.url;
  client = await registerTestClient(gatehouse);
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
  await synapse[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({
  GATEHOUSE__HOMESERVER__KIND: 'synapse',
  GATEHOUSE__HOMESERVER__URL: synapse.url,
});
const run = (...args: string[]): Promise<Ended> =>
  runCli(['homeserver', ...args, '--config', join(gatehouse.folder, 'gatehouse.yaml')], {
    env: environment(),
  });
const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
};
const signIn = (login: string, device: string) =>
  client.tokens({ login, parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}${device}` } });
const devicesOf = (localpart: string): string[] => [...(synapse.users.get(localpart)?.devices.keys() ?? [])];

describe('gatehouse homeserver sync', () => {
  it('finds what differs in a dry run, repairs the same in a run, and finds nothing then', async () => {
    await signIn('alice', 'PHONE');
    await signIn('alice', 'LAPTOP');
    await signIn('bob', 'BOB');
    await signIn('carol', 'CAROL');
    const alice = synapse.users.get('alice');
    alice?.devices.delete('LAPTOP');
    alice?.devices.set('FORGOTTEN', 'An old phone').set('KEYS', null);
    if (alice !== undefined) alice.dehydrated = 'KEYS';
    synapse.users.delete('bob');
    const carol = synapse.users.get('carol');
    if (carol !== undefined) carol.deactivated = true;

    const differences = [
      { user_id: '@alice:example.org', device_id: 'LAPTOP', kind: 'device_missing' },
      { user_id: '@alice:example.org', device_id: 'FORGOTTEN', kind: 'device_left_over' },
      { user_id: '@bob:example.org', device_id: 'BOB', kind: 'device_missing' },
      { user_id: '@carol:example.org', device_id: null, kind: 'deactivated_there' },
    ];
    const unrepaired = differences.map((each) => ({ ...each, repaired: false }));
    expect(await json('sync', '--dry-run')).toMatchObject({ dry_run: true, differences: unrepaired });
    expect(devicesOf('alice')).toEqual(['PHONE', 'FORGOTTEN', 'KEYS']);

    const repaired = differences.map((each) => ({ ...each, repaired: each.kind !== 'deactivated_there' }));
    expect(await json('sync')).toMatchObject({ dry_run: false, differences: repaired });
    expect(devicesOf('alice').sort()).toEqual(['KEYS', 'LAPTOP', 'PHONE']);
    expect(devicesOf('bob')).toEqual(['BOB']);
    if (carol !== undefined) carol.deactivated = false;
    carol?.devices.set('CAROL', null);
    expect(await json('sync', '--dry-run')).toMatchObject({ differences: [] });
    expect((await run('sync')).stdout).toMatch(/^No differences: \d users were compared\.$/m);
  }, 60_000);

  it('leaves no token behind, and nobody can be its user', async () => {
    const { stderr } = await run('sync', '--dry-run');
    expect(stderr).toMatch(/event session_started .*\n.*event session_ended .*reason=ended_by_admin/);
    const shown = await runCli(
      ['users', 'show', 'gatehouse-service', '--json', '--config', join(gatehouse.folder, 'gatehouse.yaml')],
      { env: environment() },
    );
    expect(JSON.parse(shown.stdout)).toMatchObject({ sessions: 0, links: [], admin: false });
  });

  it('deactivates at the homeserver who is deactivated here', async () => {
    const config = ['--config', join(gatehouse.folder, 'gatehouse.yaml')];
    await runCli(['users', 'deactivate', 'carol', '--yes', ...config], { env: environment() });
    const carol = synapse.users.get('carol');
    expect(carol?.deactivated).toBe(true);
    if (carol !== undefined) carol.deactivated = false;
    const { stdout } = await run('sync');
    expect(stdout).toMatch(/@carol:example\.org +- +deactivated here, active at the homeserver +repaired/);
    expect(carol?.deactivated).toBe(true);
  });

  it.each([
    ['cannot be reached', () => synapse.fail('*', { kind: 'status', status: 502 }, 20), /answered 502/],
    ['cannot ask us', () => void (synapse.endpoint = undefined), /answered 401 to an access token/],
    ['has another secret', () => synapse.fail('*', { kind: 'status', status: 403 }, 20), /another secret/],
  ])('says why, and changes nothing, when the homeserver %s', async (_case, breakIt, told) => {
    breakIt();
    const before = devicesOf('alice');
    const { code, stderr } = await run('sync');
    expect(code).toBe(1);
    expect(stderr).toMatch(told);
    expect(devicesOf('alice')).toEqual(before);
    synapse.heal();
    synapse.endpoint = gatehouse.url;
  });

  it('says that there is nothing to compare with without a homeserver', async () => {
    const { file } = await writeConfig('homeserver: { kind: none }\n');
    await runCli(['database', 'migrate', '--config', file]);
    const { code, stderr } = await runCli(['homeserver', 'sync', '--config', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/kind: none/);
  });
});

describe('gatehouse homeserver status', () => {
  it('tells what waits, by kind, while the homeserver cannot be told', async () => {
    expect(await json('status')).toMatchObject({ kind: 'synapse', reachable: true, outbox: [] });
    expect((await run('status')).stdout).toContain('The homeserver is up to date.');
    const { refresh_token: token } = await signIn('alice', 'GONE');
    synapse.fail('delete_device', { kind: 'status', status: 500 }, 50);
    await fetch(`${gatehouse.url}oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token }) });
    expect(await json('status')).toMatchObject({
      reachable: true,
      outbox: [{ kind: 'delete_device', entries: 1, users: 1, attempts: 1 }],
    });
    // What waits is on its way: no difference.
    expect(await json('sync', '--dry-run')).toMatchObject({ differences: [] });
    synapse.fail('*', { kind: 'status', status: 403 }, 50);
    expect((await run('status')).stdout).toMatch(/another secret[^]*delete_device +1 +1 /);
    synapse.heal();
  });
});
