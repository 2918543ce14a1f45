import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bin, newFolder, oldNode, runCli, startCli, writeConfig, type NodeCommand } from './run-cli.ts';

/** Node with an old version number, as old as any. */
function pretendNode(version: string): NodeCommand {
  const file = join(newFolder(), 'pretend.cjs');
  writeFileSync(
    file,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
     Object.defineProperty(process, 'version', { value: 'v${version}' });`,
  );
  return [process.execPath, '--require', file];
}

/** The launcher alone, as if installed without anything. */
function bareBin(): string {
  const folder = newFolder();
  mkdirSync(join(folder, 'bin'));
  cpSync(bin, join(folder, 'bin/gatehouse.js'));
  cpSync(join(bin, '../package.json'), join(folder, 'bin/package.json'));
  return join(folder, 'bin/gatehouse.js');
}

const system = oldNode();
const oldNodes: [string, NodeCommand][] = [
  ['18.20.0 (pretended)', pretendNode('18.20.0')],
  ...(system === undefined ? [] : [[`the system's`, [system]] as [string, NodeCommand]]),
];

/** The launcher with a built program that runs until a signal, and the Node of the checkout beside it. */
function withNewNode(): string {
  const script = bareBin();
  const root = join(script, '../..');
  mkdirSync(join(root, 'node_modules'));
  mkdirSync(join(root, 'dist/cli'), { recursive: true });
  symlinkSync(join(bin, '../../node_modules/node'), join(root, 'node_modules/node'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(root, 'dist/cli/main.js'),
    `export async function main(argv) {
      process.on('SIGTERM', () => { console.log('closing'); process.exit(3); });
      console.log('running with', process.version, argv.slice(2).join(), process.env.GATEHOUSE_RESTARTED);
      if (argv[2] === 'crash') process.kill(process.pid, 'SIGKILL');
      if (argv[2] !== 'wait') process.exit(7);
      setInterval(() => {}, 1000);
    }`,
  );
  return script;
}

describe.each(oldNodes)('with an old Node, and a new one that npm has installed: %s', (_name, node) => {
  const needed = new RegExp(`^running with v(2[4-9]|[3-9]\\d)\\.`);

  test('the new one runs the command; arguments and exit code pass', async () => {
    const { code, stdout, stderr } = await runCli(['a', 'b c'], { node, script: withNewNode() });
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
    expect(stdout).toMatch(needed);
    expect(stdout).toContain('a,b c undefined');
  });

  test('signals pass, both ways', async () => {
    const waiting = startCli(['wait'], { node, script: withNewNode() });
    await waiting.waitFor('running');
    waiting.kill('SIGTERM');
    expect(await waiting.ended).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('closing') as string,
    });
    const crashed = await runCli(['crash'], { node, script: withNewNode() });
    expect(crashed).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('nothing is left behind when the launcher is killed outright', async () => {
    const waiting = startCli(['wait'], { node, script: withNewNode() });
    await waiting.waitFor('running');
    waiting.kill('SIGKILL');
    // The pipes close when the last process that holds them is gone.
    expect(await waiting.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  });
});

test.each<[string, NodeCommand]>([['this one', [process.execPath]], ...oldNodes])(
  'what npx has started ends when the shell in between does: %s',
  async (_name, node) => {
    const script = join(newFolder(), 'npx.sh');
    const command = [...node, withNewNode(), 'wait'].map((word) => `'${word}'`).join(' ');
    // As npm does: a shell that stays in between. It dies of the signal and passes nothing on.
    writeFileSync(script, `${command} & wait`);
    const shell = startCli([], { node: ['/bin/sh'], script, env: { npm_command: 'exec' } });
    await shell.waitFor('running');
    shell.kill('SIGTERM');
    // The pipes close when the last process that holds them is gone.
    expect(await shell.ended).toMatchObject({
      signal: 'SIGTERM',
      stdout: expect.stringContaining('closing') as string,
    });
  },
);

test.runIf(system !== undefined)(
  "the checkout runs with the system's old Node, and ends in order",
  async () => {
    const { file, port } = await writeConfig();
    const service = startCli(['serve', '--config', file], { node: [system ?? ''] });
    await service.waitFor('"message":"ready"');
    service.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  },
);

describe.each(oldNodes)('without a newer Node at hand: %s', (_name, node) => {
  test('an installed package refuses, names both versions, and says where to get one', async () => {
    const { code, stdout, stderr } = await runCli(['--version'], { node, script: bareBin() });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/needs Node\.js 24 or newer, and this is v\d+\.\d+\.\d+ \(.*\)\.\n {2}-> Install/);
  });

  test('a checkout says to run npm ci', async () => {
    const script = bareBin();
    mkdirSync(join(script, '../../src/cli'), { recursive: true });
    writeFileSync(join(script, '../../src/cli/main.ts'), '');
    const { code, stderr } = await runCli(['--version'], { node, script });
    expect(code).toBe(1);
    expect(stderr).toContain('npm ci');
  });

  test('one that is there and is too old as well is left alone', async () => {
    const script = bareBin();
    const folder = join(script, '../../node_modules/node');
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'bin/node'), '#!/bin/sh\necho must not run\n', { mode: 0o755 });
    writeFileSync(join(folder, 'package.json'), '{"version":"22.1.0"}');
    const { code, stdout } = await runCli(['--version'], { node, script });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

test('an installed package runs what was built', async () => {
  const script = bareBin();
  mkdirSync(join(script, '../../dist/cli'), { recursive: true });
  writeFileSync(join(script, '../../package.json'), '{"type":"module"}');
  writeFileSync(
    join(script, '../../dist/cli/main.js'),
    'export async function main(argv) { console.log(argv.slice(2).join()); process.exitCode = 7; }',
  );
  expect(await runCli(['a', 'b'], { script })).toMatchObject({ code: 7, stdout: 'a,b\n' });
});

test('a package without its build says so', async () => {
  const { code, stderr } = await runCli([], { script: bareBin() });
  expect(code).toBe(1);
  expect(stderr).toMatch(/main\.js is missing/);
});

test('the launcher is written so that every Node can read it', () => {
  const text = readFileSync(bin, 'utf8')
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    .replace(/'(\\.|[^'\\])*'/g, "''");
  expect(text).not.toMatch(/=>|\b(const|let|class|async|await|of)\b|`|\?\.|\?\?|\.\.\.|catch \{|^import /m);
});
