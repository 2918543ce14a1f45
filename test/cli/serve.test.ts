import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ListenOptions } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { explainStartFault } from '../../src/cli/start-fault.ts';
import { newFolder, runCli, startCli, writeConfig } from './run-cli.ts';

const ready = '"message":"ready"';

describe('gatehouse serve', () => {
  test('serves until SIGTERM, whatever hangs up meanwhile, and exits 0', async () => {
    const { file, folder, port } = await writeConfig();
    const service = startCli(['serve', '--config', file]);
    await service.waitFor(ready);
    const response = await fetch(`http://127.0.0.1:${port}/_matrix/client/v1/auth_metadata`);
    expect(response.status).toBe(200);
    expect(existsSync(join(folder, 'gatehouse.key'))).toBe(true);
    service.kill('SIGHUP');
    await service.waitFor('SIGHUP is ignored');
    expect((await fetch(`http://127.0.0.1:${port}/_matrix/client/v1/auth_metadata`)).status).toBe(200);
    // As from a terminal through npm: twice at once.
    service.kill('SIGTERM');
    service.kill('SIGTERM');
    const { code, signal, stdout, stderr } = await service.ended;
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    expect(stdout).toContain('"reason":"SIGTERM","message":"stopping"');
    expect(stdout).not.toContain('hunter2');
  });

  test.each([0, 50, 150, 300, 450, 600])(
    'stops without a stack trace while a provider cannot be resolved, %d ms after it was ready',
    async (milliseconds) => {
      const { file } = await writeConfig();
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace('http://127.0.0.1:9"', 'https://nowhere.invalid"'));
      const service = startCli(['serve', '--config', file]);
      await service.waitFor(ready);
      await delay(milliseconds);
      service.kill('SIGTERM');
      const { code, stdout, stderr } = await service.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('"message":"stopping"');
      expect(stdout).not.toMatch(/"stack"|\bat \S+ \(/);
    },
  );

  test('with a bad configuration refuses to start as the check does: all faults, exit 2', async () => {
    const { file } = await writeConfig('mod: facade\nlog: { level: loud }\n');
    const { code, stdout, stderr } = await runCli(['serve', '--config', file]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('has 2 faults');
    const check = await runCli(['config', 'check', '--config', file]);
    expect(stderr).toBe(`gatehouse: cannot start: ${check.stdout}`);
  });

  test('without a file refuses to start and names it', async () => {
    const { code, stderr } = await runCli(['serve', '--config', 'none.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/none\.yaml: does not exist/);
  });

  test('on a port that is taken names it and the remedy', async () => {
    const { file, port } = await writeConfig();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      const { code, stderr } = await runCli(['serve', '--config', file]);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`cannot start: 127\\.0\\.0\\.1:${port} is already in use\n  -> Stop`),
      );
      expect(stderr).not.toMatch(/^\s+at /m);
    } finally {
      other.close();
    }
  });

  test('with a folder in place of the database says so without a stack', async () => {
    const { file, folder } = await writeConfig('encryption_key: 0123456789abcdef0123456789abcdef\n');
    mkdirSync(join(folder, 'gatehouse.db'));
    const { code, stderr } = await runCli(['serve', '--config', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gatehouse: cannot start: \S/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('a running process', () => {
  const script = (close: string): string => {
    const file = join(newFolder(), 'running.mjs');
    const module = pathToFileURL(join(import.meta.dirname, '../../src/cli/run-until-signal.ts')).href;
    writeFileSync(
      file,
      `import { runUntilSignal } from ${JSON.stringify(module)};
       setInterval(() => {}, 1000);
       process.exit(await runUntilSignal(async () => {
         console.log('running');
         return { close: () => { console.log('closing'); return ${close}; } };
       }));`,
    );
    return file;
  };

  test.each(['SIGTERM', 'SIGINT'] as const)('is closed at %s, and ends with 0', async (signal) => {
    const running = startCli([], { script: script('Promise.resolve()') });
    await running.waitFor('running');
    running.kill(signal);
    expect(await running.ended).toMatchObject({ code: 0, signal: null, stdout: 'running\nclosing\n' });
  });

  test('is not stopped by SIGHUP', async () => {
    const running = startCli([], { script: script('Promise.resolve()') });
    await running.waitFor('running');
    running.kill('SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(running.output()).toBe('running\n');
    running.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0, stdout: 'running\nclosing\n' });
  });

  test('that is slow to close ends at once at a second signal', async () => {
    const running = startCli([], { script: script('new Promise(() => {})') });
    await running.waitFor('running');
    running.kill('SIGTERM');
    await running.waitFor('closing');
    await new Promise((resolve) => setTimeout(resolve, 600));
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130 });
  });
});

describe('why it could not start', () => {
  async function listenFault(options: ListenOptions): Promise<string> {
    const server = createServer();
    const error = await new Promise((resolve) => {
      server.once('error', resolve).listen(options, () => {
        resolve(undefined);
      });
    });
    server.close();
    return explainStartFault(new Error('no listener', { cause: error }));
  }

  test('is told for an address of another machine', async () => {
    expect(await listenFault({ host: '192.0.2.1', port: 80 })).toMatch(
      /192\.0\.2\.1:80 is not an address of this machine\n {2}-> Correct `listen\.host`/,
    );
  });

  test('is told for a socket in no folder', async () => {
    expect(await listenFault({ path: '/nonexistent/g.sock' })).toMatch(/cannot start: .*nonexistent/);
  });

  test('is told for a port that is not for us', () => {
    const error = Object.assign(new Error('listen EACCES'), {
      code: 'EACCES',
      syscall: 'listen',
      address: '127.0.0.1',
      port: 80,
    });
    expect(explainStartFault(error)).toMatch(
      /no permission to listen on 127\.0\.0\.1:80\n {2}-> Use a port from 1024/,
    );
  });

  test('is told with all causes, once each, and without a stack', () => {
    const error = new Error('the database is unavailable', { cause: new Error('disk I/O error') });
    expect(explainStartFault(error)).toBe('cannot start: the database is unavailable: disk I/O error');
    const known = Object.assign(new Error('the file is full: free some space'), {
      remedy: 'free some space',
    });
    expect(explainStartFault(known)).toBe('cannot start: the file is full\n  -> Free some space.');
    expect(explainStartFault('?')).toBe('cannot start: for an unknown reason');
  });
});
