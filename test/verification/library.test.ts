/** The package's entry for other programs, by the examples of its documentation, run as they are written. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import express, { type RequestHandler } from 'express';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { createVerifier, type Verifier } from '../../src/verification/create-verifier.ts';
import { startTokenIdp, type TokenIdp } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
const entry = join(root, 'src/verification/create-verifier.ts');
// Below the checkout, so that the examples find the packages.
mkdirSync(join(root, 'var'), { recursive: true });
const folder = mkdtempSync(join(root, 'var', 'examples-'));
let peer: TokenIdp;
let verifier: Verifier;

beforeAll(async () => {
  peer = await startTokenIdp();
  verifier = createVerifier({
    clock: peer.idp.clock,
    providers: [
      { id: 'main', issuer: peer.idp.issuer, client_id: 'gatehouse', tokens: { strategies: ['jwt'] } },
    ],
  });
});
afterAll(async () => {
  await verifier.close();
  await peer[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes an example of the documentation to a file, with the sources in place of the package. */
function example(name: string): string {
  const text = readFileSync(join(root, 'docs/verification.md'), 'utf8');
  const code = new RegExp(`\`\`\`ts example=${name}\n([^]*?)\`\`\``).exec(text)?.[1];
  if (code === undefined) throw new Error(`no example ${name}`);
  const file = join(folder, `${name}.ts`);
  writeFileSync(
    file,
    code
      .replaceAll("'matrix-gatehouse/verification'", JSON.stringify(pathToFileURL(entry).href))
      .replace("'https://idp.example.com'", JSON.stringify(peer.idp.issuer)),
  );
  return file;
}

describe('the example', () => {
  it('has 15 lines at most, and tells whose token it is', async () => {
    const file = example('verify');
    expect(readFileSync(file, 'utf8').trim().split('\n').length).toBeLessThanOrEqual(15);
    const token = await peer.sign({ aud: 'my-api', scope: 'mail' });
    const run = (argument: string) => promisify(execFile)(process.execPath, [file, argument], { cwd: root });
    expect((await run(token)).stdout).toBe('sub-of-alice\n');
    expect((await run(await peer.sign({ aud: 'other' }))).stdout).toBe('inactive\n');
  });

  test.each(['express', 'fastify'])(
    'for %s lets good tokens pass and answers as RFC 6750 says',
    async (name) => {
      const { requireToken } = (await import(example(name))) as {
        requireToken: (...parameters: unknown[]) => unknown;
      };
      let listener: RequestListener;
      if (name === 'express') {
        const app = express();
        app.get('/', requireToken(verifier, 'mail') as RequestHandler, (_request, response) => {
          response.json(response.locals['token']);
        });
        listener = app as RequestListener;
      } else {
        const app = fastify();
        const tokens = new WeakMap();
        const preHandler = requireToken(verifier, ['mail'], (request: object, token: unknown) => {
          tokens.set(request, token);
        });
        app.get('/', { preHandler: preHandler as never }, (request) => tokens.get(request));
        await app.ready();
        listener = (request, response) => {
          app.routing(request, response);
        };
      }
      const server = createServer(listener);
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
      const ask = (authorization?: string) =>
        fetch(url, { headers: authorization === undefined ? {} : { authorization } });
      try {
        const good = await ask(`Bearer ${await peer.sign({ scope: 'mail' })}`);
        expect([good.status, await good.json()]).toMatchObject([200, { subject: 'sub-of-alice' }]);
        const scopeless = await ask(`bearer ${await peer.sign({ scope: 'x' })}`);
        expect(scopeless.status).toBe(403);
        expect(scopeless.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
        const bad = await ask(`Bearer ${await peer.sign({ exp: 1 })}`);
        expect(bad.status).toBe(401);
        expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"');
        expect((await ask()).headers.get('www-authenticate')).toBe('Bearer realm="api"');
      } finally {
        server.close();
      }
    },
  );
});

it('loads neither a web framework, nor a database, nor the service', () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const imports = readFileSync(file, 'utf8').matchAll(
      /^(?:import|export|\}) (?!type )[^;]*?from '([^']+)';/gms,
    );
    for (const [, specifier = ''] of imports) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier));
      else packages.add(specifier);
    }
  };
  visit(entry);
  expect([...packages].filter((name) => !name.startsWith('node:')).sort()).toEqual([
    'http-cache-semantics',
    'ipaddr.js',
    'jose',
    'lru-cache',
    'oauth4webapi',
    'undici',
  ]);
  expect([...seen].filter((file) => /src\/(storage|http|config|sign-in)\//.test(file))).toEqual([]);
});

it('is 503 and never 401 where one of several providers cannot be asked', async () => {
  await using down = await startTokenIdp();
  await using several = createVerifier({
    clock: peer.idp.clock,
    providers: [
      {
        id: 'down',
        issuer: down.idp.issuer,
        client_id: 'gatehouse',
        tokens: { strategies: ['introspection'] },
      },
      { id: 'main', issuer: peer.idp.issuer, client_id: 'gatehouse', tokens: { strategies: ['jwt'] } },
    ],
  });
  await down.idp.server.goDown();
  expect((await several.verify(await peer.sign())).kind).toBe('active');
  expect((await several.verify('opaque')).kind).toBe('unavailable');
  expect(await several.verify('')).toMatchObject({ kind: 'inactive', fault: 'malformed' });
  expect(await several.verify('with space')).toMatchObject({ kind: 'inactive', fault: 'malformed' });
});
