/** The operator's commands and the doctor, of an unmodified Synapse. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { synapseHomeserver } from '../../src/homeserver/synapse.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { freePort } from '../support/free-port.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { startSynapse, type Synapse, synapsePython } from '../support/synapse.ts';

const python = synapsePython();

describe.skipIf(python === undefined)('Synapse, and the commands', () => {
  const started = new AsyncDisposableStack();
  let synapse: Synapse;
  let gatehouse: Gatehouse;
  let client: TestClient;
  let env: Record<string, string>;

  beforeAll(async () => {
    const port = await freePort();
    env = {
      GATEHOUSE__HOMESERVER__KIND: 'synapse',
      GATEHOUSE__PROVIDERS__0__LOCALPART_CONFLICT: 'link_existing',
      GATEHOUSE__HOMESERVER__URL: `http://127.0.0.1:${String(port)}/`,
    };
    gatehouse = started.use(await startGatehouse({ env }));
    const { url: endpoint, homeserverSecret: secret } = gatehouse;
    synapse = started.use(await startSynapse({ python: python ?? '', port, endpoint, secret }));
    client = await registerTestClient(gatehouse);
  });
  afterAll(() => started.disposeAsync());

  /** Tells Synapse what nobody here knows of. */
  const connect = () =>
    synapseHomeserver({
      url: synapse.url,
      secret: gatehouse.homeserverSecret,
      allowHttp: false,
      clock: systemClock,
      random: systemRandom,
    });
  const json = async (...args: string[]): Promise<unknown> => {
    const config = join(gatehouse.folder, 'gatehouse.yaml');
    const { stdout, stderr } = await runCli([...args, '--json', '--config', config], { env });
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(stderr);
    }
  };
  const devicesOf = async (token: string): Promise<string[]> => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${synapse.url}_matrix/client/v3/devices`, { headers });
    const body = (await answer.json()) as { devices: { device_id: string }[] };
    return body.devices.map((device) => device.device_id).toSorted();
  };

  it('pass its version, and a token that it has to introspect', async () => {
    const report = (await json('doctor')) as { probes: { name: string; outcome: string }[] };
    for (const name of ['interface', 'version', 'access token']) {
      const probe = report.probes.find((each) => each.name === `homeserver: ${name}`);
      expect(probe, name).toMatchObject({ outcome: 'passed' });
    }
  });

  it('gives a user of its own to the person with the same verified address, and no other one', async () => {
    const direct = connect();
    await direct.provisionUser({ localpart: 'bob', emails: ['bob@example.org'] });
    await direct.provisionUser({ localpart: 'carol', emails: ['somebody@example.org'] });
    await direct.close();
    const scope = `${API_SCOPE} ${DEVICE_SCOPE}`;
    const { access_token: token } = await client.tokens({
      login: 'bob',
      parameters: { scope: `${scope}B1` },
    });
    expect(await devicesOf(token)).toEqual(['B1']);
    await expect(client.tokens({ login: 'carol', parameters: { scope: `${scope}C1` } })).rejects.toThrow(
      /belongs to another account/,
    );
  });

  it('link whom it knows by an external id', async () => {
    const database = new DatabaseSync(synapse.database, { timeout: 5_000 });
    database.exec(`insert into user_external_ids (auth_provider, external_id, user_id)
      values ('oidc-main', 'sub-of-carol', '@carol:example.org')`);
    database.close();
    const source = ['--synapse', `sqlite:${synapse.database}`];
    const links = [{ user: '@carol:example.org', provider: 'main', outcome: 'create' }];
    expect(await json('links', 'plan', ...source)).toMatchObject({ links });
    expect(await json('links', 'apply', ...source)).toMatchObject({ links, done: 1 });
    const parameters = { scope: `${API_SCOPE} ${DEVICE_SCOPE}C1` };
    const { access_token: token } = await client.tokens({ login: 'carol', parameters });
    expect(await devicesOf(token)).toEqual(['C1']);
  });

  it('make its devices equal to the live sessions, and leave a dehydrated device', async () => {
    const scope = `${API_SCOPE} ${DEVICE_SCOPE}`;
    const { access_token: token } = await client.tokens({
      login: 'alice',
      parameters: { scope: `${scope}A1` },
    });
    await client.tokens({ login: 'alice', parameters: { scope: `${scope}A2` } });
    const dehydrated = await fetch(
      `${synapse.url}_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`,
      {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          device_id: 'KEYS',
          initial_device_display_name: null,
          device_data: { algorithm: 'm.dehydration.v2', device_pickle: 'x', nonce: 'y' },
          device_keys: {
            user_id: '@alice:example.org',
            device_id: 'KEYS',
            algorithms: ['m.olm.v1.curve25519-aes-sha2'],
            keys: { 'ed25519:KEYS': 'x', 'curve25519:KEYS': 'y' },
            signatures: {},
          },
        }),
      },
    );
    expect(dehydrated.status).toBe(200);
    const direct = connect();
    await direct.upsertDevice({ localpart: 'alice', deviceId: 'OLD', displayname: 'Forgotten' });
    await direct.deleteDevice({ localpart: 'alice', deviceId: 'A2' });
    await direct.close();

    const differences = [
      { user_id: '@alice:example.org', device_id: 'A2', kind: 'device_missing' },
      { user_id: '@alice:example.org', device_id: 'OLD', kind: 'device_left_over' },
    ];
    expect(await json('homeserver', 'sync', '--dry-run')).toMatchObject({ differences });
    expect(await devicesOf(token)).toEqual(['A1', 'KEYS', 'OLD']);
    expect(await json('homeserver', 'sync')).toMatchObject({ differences });
    expect(await devicesOf(token)).toEqual(['A1', 'A2', 'KEYS']);
    expect(await json('homeserver', 'sync')).toMatchObject({ differences: [] });
  }, 60_000);
});
