/** `gatehouse keys export`: what it writes verifies our tokens, found as Dovecot finds its keys. */
import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { importJWK, jwtVerify, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVerifier } from '../../src/verification/create-verifier.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { postForm } from '../support/oauth-client.ts';
import { newFolder, runCli, type Ended } from './run-cli.ts';

const SECRET = 'the secret of the clients';
let gatehouse: Gatehouse;
beforeAll(async () => {
  const client = `client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], scopes: [mail]`;
  gatehouse = await startGatehouse({
    yaml: `clients:
  - { client_id: "web/mail%..", ${client}, access_token_format: jwt }
  - { client_id: ec, ${client}, access_token_format: jwt, access_token_signing_alg: ES256 }
  - { client_id: opaque, ${client} }
`,
  });
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const run = (...args: string[]): Promise<Ended> =>
  runCli(['keys', 'export', ...args, '--config', join(gatehouse.folder, 'gatehouse.yaml')]);
const tokenOf = async (client: string): Promise<string> => {
  const form = { grant_type: 'client_credentials', client_id: client, client_secret: SECRET };
  const { status, body } = await postForm(`${gatehouse.url}oauth2/token`, form);
  expect(status).toBe(200);
  return String(body['access_token']);
};

test('a folder for Dovecot has a PEM file for each client and key, and verifies what we issue', async () => {
  const tokens = [await tokenOf('web/mail%..'), await tokenOf('ec')];
  const folder = join(newFolder(), 'keys');
  const { code, stdout } = await run('--dovecot', folder, '--json');
  expect(code).toBe(0);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  expect((JSON.parse(stdout) as { files: string[] }).files.toSorted()).toEqual(files.toSorted());
  expect(readdirSync(folder).toSorted()).toEqual(['ec', 'web%2fmail%25..']);
  for (const file of files) {
    expect(file).toMatch(/^[^/]+\/(RS256|ES256)\/[A-Za-z0-9_-]{43}$/);
    const pem = readFileSync(join(folder, file), 'utf8');
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    expect(createPublicKey(pem).type).toBe('public');
  }
  const verifier = createVerifier({
    providers: [
      {
        id: 'gatehouse',
        issuer: gatehouse.url,
        client_id: 'any',
        tokens: { strategies: ['jwt'], audience: [], jwt: { key_directory: folder } },
      },
    ],
  });
  for (const token of tokens) expect(await verifier.verify(token)).toMatchObject({ kind: 'active' });
  await verifier.close();
});

test('clients can be named, and keys that went out of use stay beside new ones', async () => {
  const folder = newFolder();
  await run('--dovecot', folder, '--azp', 'roundcube', '../up');
  const before = readdirSync(join(folder, 'roundcube/RS256'));
  expect(readdirSync(folder).toSorted()).toEqual(['..%2fup', 'roundcube']);
  await runCli(['keys', 'rotate', '--config', join(gatehouse.folder, 'gatehouse.yaml')]);
  await run('--dovecot', folder, '--azp', 'roundcube');
  const after = readdirSync(join(folder, 'roundcube/RS256'));
  expect(after).toHaveLength(before.length + 1);
  expect(after).toEqual(expect.arrayContaining(before));
});

test.each([
  ['RS256', 'web/mail%..'],
  ['ES256', 'ec'],
])('a single JWK for ejabberd verifies what is signed with %s', async (alg, client) => {
  const token = await tokenOf(client);
  const file = join(newFolder(), 'key.jwk');
  expect((await run('--jwk', file, '--alg', alg)).code).toBe(0);
  const jwk = JSON.parse(readFileSync(file, 'utf8')) as JWK;
  expect(jwk).not.toHaveProperty('d');
  expect(jwk).not.toHaveProperty('keys');
  await jwtVerify(token, await importJWK(jwk, alg));
  expect(JSON.parse((await run('--jwk', '--alg', alg)).stdout)).toEqual(jwk);
});

test.each([
  [[], 'nothing to export'],
  [['--jwk', '--alg', 'HS256'], 'Allowed choices are RS256, ES256'],
])('%j is told what is missing', async (args, problem) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(1);
  expect(stderr).toContain(problem);
});

test('without a client that has JWTs, one has to be named', async () => {
  await using plain = await startGatehouse();
  const config = join(plain.folder, 'gatehouse.yaml');
  const asked = ['keys', 'export', '--config', config];
  const refused = await runCli([...asked, '--dovecot', newFolder()]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--azp') as string });
  const none = await runCli([...asked, '--jwk', '--alg', 'ES256']);
  expect(none).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no key for ES256 yet') as string,
  });
});
