/** `gatehouse tokens` and `clients add` beside a running service. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { ask, postForm, registerTestClient } from '../support/oauth-client.ts';
import { bin, type Ended, newFolder, runCli } from './run-cli.ts';

type Json = Record<string, unknown>;
let gatehouse: Gatehouse;
let config: string;
beforeAll(async () => {
  gatehouse = await startGatehouse({
    yaml: `scopes:
  - { scope: sasl_auth, description: "Your mail", claims: { jid: "{localpart}@{server_name}" }, require: [{ claim: groups, any_of: [nobody] }] }
clients:
  - { client_id: jwt, redirect_uris: ["https://a.example.com/cb"], scopes: [sasl_auth], access_token_format: jwt, access_token_signing_alg: ES256 }
  - { client_id: plain, redirect_uris: ["https://a.example.com/cb"], scopes: [sasl_auth] }
`,
  });
  config = join(gatehouse.folder, 'gatehouse.yaml');
  await (await registerTestClient(gatehouse)).tokens({ login: 'alice' });
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const run = (...args: string[]): Promise<Ended> => runCli([...args, '--config', config]);
const json = async (...args: string[]): Promise<Json> => {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect({ code, stderr: stderr.replace(/^gatehouse: event \w+ .*\n/gm, '') }).toEqual({
    code: 0,
    stderr: '',
  });
  return JSON.parse(stdout) as Json;
};

describe('gatehouse tokens', () => {
  test('issues a token of a person without a sign-in, lists it without showing it, and revokes it by its id', async () => {
    const issued = await json(
      'tokens',
      'issue',
      '--client',
      'plain',
      '--user',
      'alice',
      '--scope',
      'sasl_auth',
      '--ttl',
      '7200',
    );
    const token = String(issued['access_token']);
    expect(await gatehouse.introspect(token)).toMatchObject({
      active: true,
      username: 'alice',
      scope: 'sasl_auth',
      client_id: 'plain',
      jid: 'alice@example.org',
    });
    const seconds = Number((await gatehouse.introspect(token))['expires_in']);
    expect(seconds).toBeGreaterThan(7100);
    const listed = await run('tokens', 'list', '--user', 'alice');
    expect(listed.stdout).toContain(String(issued['id']));
    expect(listed.stdout).toContain('sasl_auth');
    expect(listed.stdout).not.toContain(token);
    const { stdout } = await run('tokens', 'list', '--json');
    expect((JSON.parse(stdout) as Json[]).map(({ origin, client_id }) => [origin, client_id])).toEqual([
      ['operator', 'plain'],
    ]);
    expect(await json('tokens', 'revoke', String(issued['id']))).toEqual({ ended: [issued['id']] });
    expect(await gatehouse.introspect(token)).toEqual({ active: false });
    expect((await run('tokens', 'list')).stdout).toBe('There is no token.\n');
  });

  test('issues a JWT for a client that has them, which standard input revokes', async () => {
    const issued = await json(
      'tokens',
      'issue',
      '--client',
      'jwt',
      '--user',
      '@alice:example.org',
      '--scope',
      'sasl_auth',
    );
    const token = String(issued['access_token']);
    expect(decodeJwt(token)).toMatchObject({ azp: 'jwt', scope: 'sasl_auth', jid: 'alice@example.org' });
    const child = spawn(process.execPath, [bin, 'tokens', 'revoke', '-', '--config', config]);
    child.stdin.end(`${token}\n`);
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(await gatehouse.introspect(token)).toEqual({ active: false });
  });

  test("issues a client's own token, with any word for its scope", async () => {
    const issued = await json('tokens', 'issue', '--client', 'plain', '--scope', 'anything', 'else');
    expect(await gatehouse.introspect(String(issued['access_token']))).toMatchObject({
      sub: 'plain',
      scope: 'anything else',
    });
  });

  test.each([
    ['no client', ['--user', 'alice', '--scope', 'sasl_auth'], 'which client'],
    ['an unknown client', ['--client', 'nobody', '--scope', 'a'], 'there is no client nobody'],
    [
      'an unknown user',
      ['--client', 'plain', '--user', 'mallory', '--scope', 'sasl_auth'],
      'there is no user mallory',
    ],
    ['no scope', ['--client', 'plain', '--user', 'alice'], '--scope must name'],
    [
      'a scope of Matrix',
      ['--client', 'plain', '--user', 'alice', '--scope', 'urn:matrix:client:api:*'],
      '--scope must name',
    ],
    [
      'an unknown scope',
      ['--client', 'plain', '--user', 'alice', '--scope', 'files'],
      'there is no scope files',
    ],
    ['no end', ['--client', 'plain', '--scope', 'a', '--ttl', '0'], '--ttl is 0'],
    ['a word for an end', ['--client', 'plain', '--scope', 'a', '--ttl', '1h'], '--ttl is 1h'],
    ['a JWT for a year', ['--client', 'jwt', '--scope', 'a', '--ttl', '31536000'], 'JWTs live a day at most'],
  ])('with %s says what is wrong', async (_what, args, problem) => {
    const { code, stderr } = await run('tokens', 'issue', ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
  });

  test('revokes nothing if one of the names is unknown', async () => {
    const { id } = await json(
      'tokens',
      'issue',
      '--client',
      'plain',
      '--user',
      'alice',
      '--scope',
      'sasl_auth',
    );
    expect(await run('tokens', 'revoke', String(id), 'unknown')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was done') as string,
    });
    expect((await run('tokens', 'revoke')).code).toBe(1);
    expect((await json('tokens', 'revoke', String(id)))['ended']).toEqual([id]);
  });
});

describe('gatehouse clients add', () => {
  test('takes an id, a secret and whatever else a client of the configuration can have', async () => {
    const secret = join(newFolder(), 'secret');
    writeFileSync(secret, 'a secret that was chosen\n');
    await json(
      'clients',
      'add',
      '--id',
      'mail server/1',
      '--auth-method',
      'none',
      '--redirect-uri',
      'https://a.example.com/cb',
    ).then(
      () => expect.unreachable(),
      () => undefined,
    );
    const added = await json(
      ...[
        'clients',
        'add',
        '--id',
        'mail-server',
        '--name',
        'Mail',
        '--auth-method',
        'client_secret_post',
        '--secret-file',
        secret,
      ],
      ...[
        '--grant',
        'client_credentials',
        '--scope',
        'sasl_auth',
        'other',
        '--introspect-all',
        '--access-token-ttl',
        '77',
      ],
      ...[
        '--session-ttl',
        '3600',
        '--access-token-format',
        'jwt',
        '--access-token-signing-alg',
        'ES256',
        '--token-answer-claims',
      ],
    );
    expect(added).toMatchObject({ client_id: 'mail-server', from: 'operator' });
    const own = { client_id: 'mail-server', client_secret: 'a secret that was chosen' };
    const answer = await postForm(`${gatehouse.url}oauth2/token`, {
      grant_type: 'client_credentials',
      ...own,
    });
    expect(answer).toMatchObject({ status: 200, body: { expires_in: 77, scope: 'sasl_auth other' } });
    expect(decodeJwt(String(answer.body['access_token']))).toMatchObject({ azp: 'mail-server' });
    const foreign = await json(
      'tokens',
      'issue',
      '--client',
      'plain',
      '--user',
      'alice',
      '--scope',
      'sasl_auth',
    );
    const seen = await postForm(`${gatehouse.url}oauth2/introspect`, {
      token: String(foreign['access_token']),
      ...own,
    });
    expect(seen.body).toMatchObject({ active: true, username: 'alice' });
    const again = await run(
      'clients',
      'add',
      '--id',
      'mail-server',
      '--redirect-uri',
      'https://a.example.com/cb',
    );
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is a client mail-server already') as string,
    });
    expect((await run('clients', 'remove', 'mail-server', '--yes')).code).toBe(0);
    expect((await ask(`${gatehouse.url}oauth2/authorize?client_id=mail-server`)).status).toBe(400);
  });

  test.each([
    ['--scope', ['--scope', 'files', '--redirect-uri', 'https://a.example.com/cb'], '--scope name files'],
    [
      '--grant',
      ['--grant', 'password', '--auth-method', 'client_secret_post', '--scope', 'sasl_auth'],
      '--grant names password, which is off',
    ],
    [
      '--access-token-ttl',
      ['--redirect-uri', 'https://a.example.com/cb', '--access-token-ttl', 'long'],
      '--access-token-ttl',
    ],
    [
      '--introspect-all',
      ['--redirect-uri', 'https://a.example.com/cb', '--introspect-all'],
      '--introspect-all is on',
    ],
  ])('names the option that is wrong: %s', async (_option, args, problem) => {
    const { code, stderr } = await run('clients', 'add', ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
  });
});
