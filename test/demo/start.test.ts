import { exec } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { isValidAuthMetadata } from 'matrix-js-sdk/lib/oauth/index.js';
import { describe, expect, it } from 'vitest';
import { createBrowser, type Browser, type Page } from '../support/browser.ts';
import { removeFolder, runDemo } from './run-demo.ts';

const ready = 'Gatehouse demo is ready.';

/** Presses the button of the step that is due; at the sign-in, does what a person does. */
async function walkOn(browser: Browser): Promise<Page> {
  const link = browser.page.links.find(({ label }) => label === 'Sign in');
  if (link === undefined) return browser.submit();
  await browser.open(link.href);
  if (browser.page.title.includes('demo identity provider')) {
    await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
  }
  return browser.submit({ button: 'Allow' });
}

describe('npm start', { timeout: 60_000 }, () => {
  it('tells what to open and what to curl, serves it, walks a person through, and stops on SIGTERM', async () => {
    const demo = await runDemo();
    await demo.waitFor(ready);
    await demo.waitFor('Ctrl-C');

    const metadata = await fetch(
      `http://127.0.0.1:${String(demo.ports.gatehouse)}/_matrix/client/v1/auth_metadata`,
    );
    expect(isValidAuthMetadata((await metadata.json()) as Record<string, unknown>)).toBe(true);

    const commands = demo.output().match(/curl -s .*/g) ?? [];
    expect(commands).toHaveLength(3);
    const shell = promisify(exec);
    const answers = await Promise.all(
      commands.map(
        async (command) => (await shell(command, { cwd: resolve(import.meta.dirname, '../..') })).stdout,
      ),
    );
    expect(JSON.parse(answers[0] ?? '')).toHaveProperty('issuer');
    expect(JSON.parse(answers[1] ?? '')).toEqual({ active: false });
    expect(answers[2]).not.toBe('');

    const browser = createBrowser();
    await browser.open(`http://localhost:${String(demo.ports.client)}/`);
    for (let step = 1; step <= 10; step += 1) {
      await walkOn(browser);
      expect(browser.page.text, `step ${String(step)}`).not.toMatch(/The answer was|No answer|Sign in again/);
    }
    const { text } = browser.page;
    expect(text).toContain('That was the whole way');
    expect(text).toContain('@bob:demo.example');
    expect(text).toContain('The pair is the one of the step before, to the last letter.');
    expect(text).toContain('M_UNKNOWN_TOKEN');
    expect(browser.page.body).not.toMatch(/g[ar]t_[\w-]{40}/);

    expect(await demo.stop('SIGTERM')).toBe(0);
    expect(demo.output()).not.toMatch(/g[arc][tc]_[\w-]{40}/);
    removeFolder(demo.folder);
  });

  it('keeps the sessions of an earlier run, and stops on Ctrl-C', async () => {
    const first = await runDemo();
    await first.waitFor(ready);
    const issuer = `http://127.0.0.1:${String(first.ports.gatehouse)}/`;
    const register = await fetch(`${issuer}oauth2/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        application_type: 'native',
        client_uri: 'https://client.example/',
        redirect_uris: ['http://127.0.0.1/cb'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }),
    });
    const { client_id: clientId } = (await register.json()) as { client_id: string };
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: 'http://127.0.0.1:5/cb',
      scope: 'urn:matrix:client:api:* urn:matrix:client:device:KEPT',
      state: 's',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const browser = createBrowser();
    browser.stopAt('http://127.0.0.1:5/cb');
    await browser.open(`${issuer}oauth2/authorize?${query.toString()}`);
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const landed = await browser.submit({ button: 'Allow' });
    const tokens = await fetch(`${issuer}oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        redirect_uri: 'http://127.0.0.1:5/cb',
        code: new URL(landed.url).searchParams.get('code') ?? '',
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      }),
    });
    const { access_token: token } = (await tokens.json()) as { access_token: string };
    expect(await first.stop('SIGINT')).toBe(0);

    const second = await runDemo(
      {
        GATEHOUSE__LISTEN__PORT: String(first.ports.gatehouse),
        GATEHOUSE_DEMO_IDP_PORT: String(first.ports.idp),
      },
      first.folder,
    );
    await second.waitFor(ready);
    const whoami = await fetch(`${issuer}_matrix/client/v3/account/whoami`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await whoami.json()).toMatchObject({ user_id: '@alice:demo.example', device_id: 'KEPT' });
    expect(await second.stop('SIGTERM')).toBe(0);
    removeFolder(first.folder);
  });

  it.each([
    ['GATEHOUSE__LISTEN__PORT'],
    ['GATEHOUSE__OPERATIONS__PORT'],
    ['GATEHOUSE_DEMO_IDP_PORT'],
    ['GATEHOUSE_DEMO_CLIENT_PORT'],
  ])('says in one line that the port of %s is taken, and exits 1', async (variable) => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => other.once('listening', listening));
    const port = String((other.address() as AddressInfo).port);
    const demo = await runDemo({ [variable]: port });
    expect(await demo.ended).toBe(1);
    expect(demo.output().trim().split('\n')).toEqual([
      expect.stringMatching(`^Port ${port} .* is taken.*${variable}=`),
    ]);
    other.close();
    removeFolder(demo.folder);
  });

  it.each([0, 300, 900])('exits 0 when it is stopped %i ms after it began to start', async (delayMs) => {
    const demo = await runDemo();
    await demo.waitFor('Starting');
    await new Promise((passed) => setTimeout(passed, delayMs));
    expect(await demo.stop('SIGTERM')).toBe(0);
    removeFolder(demo.folder);
  });
});
