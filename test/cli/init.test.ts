/** `gatehouse init`: what it writes, keeps and refuses, by options and in a dialogue. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { initialise, type InitOptions } from '../../src/cli/init.ts';
import { inspectFile } from '../../src/config/load.ts';
import { seededRandom } from '../support/clock.ts';
import { newFolder, runCli } from './run-cli.ts';

const mode = (file: string): number => statSync(file).mode & 0o777;
const required = [
  ...['--server-name', 'example.com'],
  ...['--public-url', 'https://auth.example.com/'],
  ...['--issuer', 'https://idp.example.com/realms/main'],
];

describe('gatehouse init with options', () => {
  it('writes a configuration that holds, its secrets in files of their own', async () => {
    const cwd = newFolder();
    writeFileSync(join(cwd, 'from-the-idp.txt'), 'secret-of-the-idp\n', { mode: 0o600 });
    const more = [
      ...['--homeserver-public-url', 'https://matrix.example.com/'],
      ...['--client-secret-file', 'from-the-idp.txt'],
    ];
    const { code, stdout, stderr } = await runCli(['init', ...required, ...more], { cwd });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const file = join(cwd, 'gatehouse.yaml');
    const text = readFileSync(file, 'utf8');
    expect(parse(text)).toMatchObject({
      server_name: 'example.com',
      public_url: 'https://auth.example.com/',
      listen: { host: '127.0.0.1', port: 8090, trusted_proxies: ['127.0.0.1', '::1'] },
      database: { url: 'sqlite:gatehouse.db' },
      providers: [
        {
          id: 'main',
          preset: 'keycloak',
          issuer: 'https://idp.example.com/realms/main',
          client_id: 'gatehouse',
          client_secret_file: 'from-the-idp.txt',
        },
      ],
      homeserver: {
        kind: 'none',
        public_url: 'https://matrix.example.com/',
        secret_file: 'homeserver.secret',
      },
    });
    expect(text.split('\n').filter((line) => line.trim().startsWith('#')).length).toBeGreaterThan(10);
    expect(text).not.toContain('secret-of-the-idp');
    const secret = join(cwd, 'homeserver.secret');
    expect(mode(secret)).toBe(0o600);
    expect(readFileSync(secret, 'utf8')).toMatch(/^[\w-]{43}\n$/);
    const check = await runCli(['config', 'check', '--config', file]);
    expect(check.stdout).toMatch(/\/upstream\/main\/backchannel-logout\n/);
    expect(check.stdout).toContain('is in order');
    expect(check.stdout).not.toContain('warnings');
    expect(stdout).toContain('https://auth.example.com/upstream/main/callback');
    expect(stdout).toContain('gatehouse doctor --config gatehouse.yaml');
    expect(stdout).not.toContain(readFileSync(secret, 'utf8').trim());
  });

  it('leaves a file for the secret that is not known yet; with it, the configuration holds', async () => {
    const cwd = newFolder();
    const { code, stdout } = await runCli(['init', ...required], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain('Put its secret into idp.secret');
    const file = join(cwd, 'gatehouse.yaml');
    expect(mode(join(cwd, 'idp.secret'))).toBe(0o600);
    expect(inspectFile(file, {}).faults.map(({ path }) => path)).toEqual(['providers[0].client_secret_file']);
    writeFileSync(join(cwd, 'idp.secret'), 'known now\n');
    expect(inspectFile(file, {})).toMatchObject({ faults: [], warnings: [] });
  });

  it('never writes over a configuration, but with --force; and never over a secret', async () => {
    const cwd = newFolder();
    const file = join(cwd, 'gatehouse.yaml');
    await runCli(['init', ...required], { cwd });
    const secret = readFileSync(join(cwd, 'homeserver.secret'), 'utf8');
    writeFileSync(file, '# mine\n');
    const refused = await runCli(['init', ...required], { cwd });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(
      'gatehouse.yaml exists\n  -> Choose another file with --output, or add --force.',
    );
    expect(readFileSync(file, 'utf8')).toBe('# mine\n');
    const forced = await runCli(['init', ...required, '--force'], { cwd });
    expect(forced.code).toBe(0);
    expect(forced.stdout).toContain('homeserver.secret: kept');
    expect(readFileSync(file, 'utf8')).toContain('server_name: example.com');
    expect(readFileSync(join(cwd, 'homeserver.secret'), 'utf8')).toBe(secret);
  });

  it('names everything that is missing or wrong at once, and writes nothing', async () => {
    const cwd = newFolder();
    const wrong = [
      '--server-name',
      'https://example.com',
      '--issuer',
      'http://idp.example.com',
      '--preset',
      'okto',
    ];
    const { code, stderr } = await runCli(['init', ...wrong], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('--public-url is missing');
    expect(stderr).toContain('--server-name is "https://example.com"; must be a server name');
    expect(stderr).toContain('--issuer is http on a host that is not loopback');
    expect(stderr).toContain('--preset ');
    expect(existsSync(join(cwd, 'gatehouse.yaml'))).toBe(false);
    expect(existsSync(join(cwd, 'homeserver.secret'))).toBe(false);
  });

  it('refuses a secret file that is not there', async () => {
    const { code, stderr } = await runCli(['init', ...required, '--client-secret-file', 'nowhere'], {});
    expect(code).toBe(2);
    expect(stderr).toContain('--client-secret-file: nowhere is missing or empty');
  });
});

/**
 * Answers each question by the first entry left that its text fits, else by Enter; leaves at a question that fits `LEAVE`.
 */
async function converse(
  answers: readonly (readonly [question: RegExp, answer: string | typeof LEAVE])[],
  more: Partial<InitOptions> = {},
): Promise<{ folder: string; shown: string; result: Awaited<ReturnType<typeof initialise>> }> {
  const folder = newFolder();
  const input = new PassThrough();
  const output = new PassThrough();
  const left = [...answers];
  let shown = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    if (!text.endsWith(': ')) return;
    const at = left.findIndex(([question]) => question.test(text));
    const [, answer] = at < 0 ? [undefined, ''] : left.splice(at, 1)[0]!;
    setImmediate(() => (answer === LEAVE ? input.end() : input.write(`${answer}\r`)));
  });
  const result = await initialise({
    answers: {},
    output: join(folder, 'gatehouse.yaml'),
    force: false,
    terminal: { input, output },
    random: seededRandom('init'),
    ...more,
  });
  return { folder, shown, result };
}

const LEAVE = Symbol('leave');

describe('gatehouse init in a dialogue', () => {
  const answers = [
    [/^Server name/, 'example.com'],
    [/^URL .* this service/, 'https://auth.example.com/'],
    [/^Issuer/, 'https://accounts.google.com'],
  ] as const;

  it('asks for everything, suggests what it can, and takes the secret without showing it', async () => {
    const { folder, shown, result } = await converse([...answers, [/secret/, 'typed-secret']]);
    expect(result).toHaveProperty('done');
    expect(shown).toContain('Product (a preset, or generic) [google]: ');
    expect(shown).toContain('Client id of this service at the provider [gatehouse]: ');
    expect(shown).not.toContain('typed-secret');
    expect(readFileSync(join(folder, 'idp.secret'), 'utf8')).toBe('typed-secret\n');
    expect(mode(join(folder, 'idp.secret'))).toBe(0o600);
    const { config, faults } = inspectFile(join(folder, 'gatehouse.yaml'), {});
    expect(faults).toEqual([]);
    expect(config?.providers[0]?.claims.localpart).toBe('{email|before_at}');
  });

  it('asks again after an answer that breaks a rule', async () => {
    const { shown, result } = await converse([[/^Server name/, 'not a name'], ...answers]);
    expect(result).toHaveProperty('done');
    expect(shown).toContain('must be a host name');
  });

  it('asks only for what the options do not say', async () => {
    const known = {
      server_name: 'example.com',
      public_url: 'https://auth.example.com/',
      issuer: 'https://idp.example.com',
      preset: 'generic',
      client_id: 'gh',
      homeserver_url: '',
      database: 'sqlite:gatehouse.db',
    };
    const { shown, result } = await converse([[/homeserver/, 'https://matrix.example.com/']], {
      answers: known,
    });
    expect(result).toHaveProperty('done');
    expect(shown).toContain('URL at which clients reach the homeserver');
    expect(shown).not.toMatch(/Issuer|Server name|client identifier/);
  });

  it('writes nothing where the person leaves', async () => {
    const { folder, result } = await converse([...answers.slice(0, 2), [/^Issuer/, LEAVE]]);
    expect(result).toEqual({ refused: 'nothing was written' });
    expect(existsSync(join(folder, 'gatehouse.yaml'))).toBe(false);
  });
});
