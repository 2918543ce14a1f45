/** What `gatehouse doctor` says of a Synapse, by one request of a client with a token that it makes and ends. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/doctor/diagnose.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { freePort } from '../support/free-port.ts';
import { type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';
import { runCli, writeConfig } from './run-cli.ts';

let synapse: ScriptedSynapse;
let gatehouse: Gatehouse;
let file: string;

beforeAll(async () => {
  synapse = await startScriptedSynapse('shared-with-the-homeserver');
  gatehouse = await startGatehouse({ env: environment() });
  file = join(gatehouse.folder, 'gatehouse.yaml');
  synapse.endpoint = gatehouse.url;
});
afterEach(() => {
  synapse.heal();
  Object.assign(synapse, {
    endpoint: gatehouse.url,
    introspectionSecret: synapse.secret,
    serverName: 'example.org',
    version: '1.163.2',
  });
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
  await synapse[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({
  GATEHOUSE__HOMESERVER__KIND: 'synapse',
  GATEHOUSE__HOMESERVER__URL: synapse.url,
});
const names = ['homeserver: interface', 'homeserver: version', 'homeserver: access token'];

const visit = async (config = file): Promise<{ outcomes: unknown[]; report: Report }> => {
  const { stdout } = await runCli(['doctor', '--json', '--config', config], { env: environment() });
  const report = JSON.parse(stdout) as Report;
  const outcomes = report.probes.filter(({ name }) => names.includes(name)).map(({ outcome }) => outcome);
  return { outcomes, report };
};

describe('gatehouse doctor, of a Synapse', () => {
  it('says nothing of a sound one, and leaves no token behind', async () => {
    const { outcomes, report } = await visit();
    expect(outcomes).toEqual(['passed', 'passed', 'passed']);
    const ofSynapse = /^homeserver\.(secret|interface|version$|introspection|token|server_name|outbox)/;
    expect(report.findings.filter(({ code }) => ofSynapse.test(code))).toEqual([]);
    const sessions = await runCli(
      ['sessions', 'list', '--user', 'gatehouse-service', '--json', '--config', file],
      {
        env: environment(),
      },
    );
    expect(JSON.parse(sessions.stdout)).toEqual([]);
    const audit = await runCli(['audit', '--json', '--config', file], { env: environment() });
    expect(audit.stdout).toMatch(/session_ended[^]*session_started/);
  });

  it.each<[string, () => unknown, string, RegExp]>([
    [
      'that has another secret for us',
      () => (synapse.introspectionSecret = 'another-one'),
      'homeserver.introspection',
      /status 503/,
    ],
    [
      'that cannot reach us',
      async () => (synapse.endpoint = `http://127.0.0.1:${String(await freePort())}/`),
      'homeserver.introspection',
      /status 503/,
    ],
    [
      'that asks somebody else',
      () => (synapse.endpoint = undefined),
      'homeserver.introspection',
      /status 401/,
    ],
    [
      'that has another name',
      () => (synapse.serverName = 'matrix.example.org'),
      'homeserver.server_name',
      /@gatehouse-service:matrix\.example\.org/,
    ],
    ['that is too old', () => (synapse.version = '1.127.1'), 'homeserver.version', /^Synapse 1\.127\.1$/],
    [
      'that fails with the token',
      () => synapse.fail('whoami', { kind: 'status', status: 500 }),
      'homeserver.token_failed',
      /status 500/,
    ],
    [
      'that knows another secret of ours',
      () => synapse.fail('*', { kind: 'status', status: 403 }, 20),
      'homeserver.secret_refused',
      /status 403/,
    ],
  ])('names the fault of one %s', async (_case, breakIt, code, seen) => {
    await breakIt();
    const { report } = await visit();
    const found = report.findings.filter((finding) => finding.code === code);
    expect(found).toMatchObject([{ severity: 'error', seen: expect.stringMatching(seen) as string }]);
    expect(report.exit_code).toBe(1);
    expect(JSON.stringify(report)).not.toMatch(/another-one|shared-with|gat_/);
  });

  it.each<[string, () => void, string]>([
    ['does not tell its version', () => (synapse.version = undefined), 'version'],
    ['tells a version of another form', () => (synapse.version = 'develop'), 'version'],
  ])('lets pass one that %s', async (_case, change, name) => {
    change();
    const { report } = await visit();
    expect(report.probes.find((probe) => probe.name === `homeserver: ${name}`)?.outcome).toBe('skipped');
    expect(report.findings.filter(({ code }) => code.startsWith('homeserver.version'))).toMatchObject([
      { code: 'homeserver.versions' },
    ]);
  });

  it('makes no token while there is no database', async () => {
    const { file: other } = await writeConfig('homeserver: { secret: shared-with-the-homeserver }\n');
    const { report } = await visit(other);
    expect(report.probes.find(({ name }) => name === 'homeserver: access token')).toMatchObject({
      outcome: 'skipped',
    });
  });
});
