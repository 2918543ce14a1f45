import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newFolder, runCli, writeConfig } from './run-cli.ts';

const broken = `server_name: example.com
public_url: http://auth.example.com/
mod: facade
providers: [{ id: main, issuer: "https://idp.example.com", client_id: x, client_secret: 4711 }]
`;

function brokenFile(): string {
  const file = join(newFolder(), 'gatehouse.yaml');
  writeFileSync(file, broken, { mode: 0o600 });
  return file;
}

describe('gatehouse config check', () => {
  test('of a good file exits 0, with a summary that holds no secret', async () => {
    const { file, folder } = await writeConfig('homeserver: { secret: shared-with-synapse }\n');
    const { code, stdout, stderr } = await runCli(['config', 'check', '--config', file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`${file} is in order.`);
    expect(stdout).toContain(`sqlite:${folder}/gatehouse.db`);
    expect(stdout).toMatch(
      /backchannel logout +main: http:\/\/127\.0\.0\.1:\d+\/upstream\/main\/backchannel-logout/,
    );
    expect(stdout).toMatch(/redirect URI http:\/\/127\.0\.0\.1:\d+\/upstream\/main\/callback/);
    expect(stdout).not.toMatch(/hunter2|shared-with|warning/);
  });

  test('of a bad file exits 1, with every fault, its place and its remedy', async () => {
    const file = brokenFile();
    const { code, stdout } = await runCli(['config', 'check', '--config', file]);
    expect(code).toBe(2);
    expect(stdout).toContain(`${file} has 3 faults:`);
    expect(stdout).toMatch(/public_url \(line 2, column 1\): is http .*\n {4}-> Write https/);
    expect(stdout).toMatch(/mod \(line 3, column 1\): .*\n {4}-> Did you mean `mode`\?/);
    expect(stdout).toMatch(
      /providers\[0\]\.client_secret \(line 4, column \d+\): .*\n {4}-> Put it in quotes/,
    );
    expect(stdout).not.toContain('4711');
  });

  test('with --json says the same for machines', async () => {
    const bad = await runCli(['config', 'check', '--json', '--config', brokenFile()]);
    expect(bad.code).toBe(2);
    const result = JSON.parse(bad.stdout) as { faults: { path: string }[] };
    expect(result).toMatchObject({ ok: false, warnings: [] });
    expect(result.faults.map(({ path }) => path)).toEqual([
      'public_url',
      'mod',
      'providers[0].client_secret',
    ]);

    const { file } = await writeConfig();
    chmodSync(file, 0o644);
    const good = await runCli(['config', 'check', '--json', '--config', file]);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({
      ok: true,
      file,
      faults: [],
      warnings: [{ path: file }],
      summary: { homeserver: 'none', database: expect.stringContaining('sqlite:') as string },
    });
  });

  test('of no file says which one', async () => {
    const folder = newFolder();
    const { code, stdout } = await runCli(['config', 'check'], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toContain(join(folder, 'gatehouse.yaml'));
    expect(stdout).toContain('does not exist');
  });

  test('takes the file from $GATEHOUSE_CONFIG, and single keys from the environment', async () => {
    const { file } = await writeConfig();
    const env = { GATEHOUSE_CONFIG: file };
    expect((await runCli(['config', 'check'], { env })).code).toBe(0);
    const { code, stdout } = await runCli(['config', 'check'], { env: { ...env, GATEHOUSE__MODE: 'both' } });
    expect(code).toBe(2);
    expect(stdout).toContain('(set by GATEHOUSE__MODE)');
  });
});

describe('gatehouse', () => {
  test('--version prints the version', async () => {
    const { code, stdout } = await runCli(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([[[]], [['serve', '--confg', 'x']]])('%j exits 1 and says how it is used', async (args) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Usage|--help/);
  });
});
