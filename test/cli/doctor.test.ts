/** `gatehouse doctor` as a process: what it prints, and its exit codes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdp, type Idp } from '../peers/idp.ts';
import { startSetUp, type SetUp } from '../doctor/set-up.ts';
import { newFolder, runCli, writeConfig } from './run-cli.ts';

let idp: Idp;
let setUp: SetUp;
beforeAll(async () => {
  [idp, setUp] = await Promise.all([startIdp(), startSetUp()]);
});
afterAll(() => Promise.all([idp.close(), setUp[Symbol.asyncDispose]()]));

describe('gatehouse doctor', () => {
  it('says little of a sound set-up: exit code 0', async () => {
    const { code, stdout, stderr } = await runCli(['doctor', '--config', setUp.file]);
    expect(stdout).toMatch(
      /^No problems found: 19 of 24 probes passed, 5 skipped\.\n {2}provider main: .*\n {4}at the provider: redirect URI \S+\/upstream\/main\/callback, back-channel logout URI \S+\/upstream\/main\/backchannel-logout\n$/,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('tells each finding with its remedy: exit code 1', async () => {
    const { file } = await writeConfig();
    const { code, stdout } = await runCli(['doctor', '--config', file]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'error: provider.unreachable (provider main)\n  probed:   GET http://127.0.0.1:9/',
    );
    expect(stdout).toContain('error: service.not_running (service)');
    expect(stdout).toMatch(
      / {2}-> Start it: gatehouse serve --config .*\n {5}docs\/doctor\.md#servicenot_running/,
    );
    expect(stdout).toMatch(/2 errors, 0 warnings; \d+ of \d+ probes passed/);
    expect(stdout).not.toContain('hunter2');
  });

  it('prints JSON and nothing else, if asked so', async () => {
    const { code, stdout, stderr } = await runCli(['doctor', '--json', '--config', setUp.file]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(report)).toEqual([
      'version',
      'exit_code',
      'summary',
      'probes',
      'findings',
      'file',
      'who_cannot_sign_in',
      'providers',
    ]);
    expect(report).toMatchObject({ version: 1, exit_code: 0, findings: [], file: setUp.file });
  });

  it('cannot begin with a configuration that does not hold: exit code 2', async () => {
    const { file } = await writeConfig('surprise: true\n');
    const { code, stdout } = await runCli(['doctor', '--config', file]);
    expect(code).toBe(2);
    expect(stdout).toContain('error: config.fault (configuration)');
    expect(stdout).toContain('Nothing else was checked');
    expect((await runCli(['doctor', '--config', 'nowhere.yaml'])).code).toBe(2);
    expect((await runCli(['doctor', '--no-such-option'])).code).toBe(2);
    expect((await runCli(['doctor', '--help'])).code).toBe(0);
  });
});

describe('gatehouse doctor --provider', () => {
  it('judges a provider by its URL, without any configuration', async () => {
    const { code, stdout } = await runCli(['doctor', '--provider', idp.issuer]);
    expect(code).toBe(0);
    expect(stdout).toContain('preset: oidc-provider (node-oidc-provider, tried)');
    expect(stdout).toContain('mode facade: fits');
    expect(stdout).toContain('mode passthrough: does not fit\n  - registration_endpoint is missing');
    expect(stdout).toContain(`      issuer: ${idp.issuer}\n`);
  });

  it('judges a saved document, as JSON too', async () => {
    const file = join(newFolder(), 'metadata.json');
    writeFileSync(file, JSON.stringify({ issuer: 'https://idp.example.com' }));
    const { code, stdout } = await runCli(['doctor', '--provider', file, '--json']);
    expect(code).toBe(1);
    const report = JSON.parse(stdout) as { findings: { code: string }[]; provider: object };
    expect(report.findings.map((finding) => finding.code)).toContain('provider.endpoint_missing');
    expect(Object.keys(report.provider)).toEqual(['issuer', 'preset', 'modes', 'missing', 'configuration']);
  });

  it.each([
    ['nowhere.json', 'nowhere.json cannot be read (ENOENT)'],
    ['https://user:secret@idp.example.com', 'not an issuer'],
    ['https://idp.example.com/?x=1', 'not an issuer'],
  ])('cannot begin with %s: exit code 2', async (source, message) => {
    const { code, stderr, stdout } = await runCli(['doctor', '--provider', source]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('user:secret');
    expect(stdout).toBe('');
  });
});
