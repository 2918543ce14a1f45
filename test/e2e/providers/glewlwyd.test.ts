import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { chromiumPath } from '../../support/chromium.ts';
import { chromiumVisitor } from './chromium-visitor.ts';
import { runProgram, temporaryFolder } from './programs.ts';
import { alice, bob, type Person, type RealProvider } from './real-provider.ts';
import { describeProvider } from './suite.ts';

const docs = '/usr/share/doc/glewlwyd';
const webapp = '/usr/share/glewlwyd/webapp';
const clientId = 'gatehouse';

// Its pages are a program: without Chromium nobody could sign in.
describeProvider({
  name: 'glewlwyd',
  title: 'Glewlwyd',
  installed: existsSync('/usr/bin/glewlwyd') && chromiumPath !== undefined,
  // It does not list the claim.
  warnings: ['provider.auth_time'],
  takesPasswords: true,
  start: startGlewlwyd,
  facts(document, headers) {
    expect(headers.get('cache-control')).toBe('no-store');
    expect(document).toMatchObject({
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code', 'implicit'],
    });
    expect(document).not.toHaveProperty('revocation_endpoint');
    expect(document).not.toHaveProperty('authorization_response_iss_parameter_supported');
  },
});

async function startGlewlwyd(redirectUri: string): Promise<RealProvider> {
  const folder = temporaryFolder('glewlwyd');
  const port = await freePort();
  const base = `http://127.0.0.1:${String(port)}`;
  layOut(folder.path, base, port);
  const program = await runProgram({
    command: 'glewlwyd',
    args: [`--config-file=${join(folder.path, 'glewlwyd.conf')}`],
    folder: folder.path,
    readyUrl: `${base}/config`,
    limitSeconds: 30,
  });
  const clientSecret = `glewlwyd-${crypto.randomUUID()}`;
  const call = await administrator(base);
  const keys = [signingKey('first')];
  await setUp(call, { issuer: `${base}/api/oidc`, keys, redirectUri, clientSecret });
  return {
    issuer: `${base}/api/oidc`,
    clientId,
    clientSecret,
    settings: { preset: 'glewlwyd' },
    legacyLogin: { password: true },
    newVisitor: () => chromiumVisitor(answer),
    async rotateKeys() {
      // The first key of the set signs.
      keys.unshift(signingKey('second'));
      const plugin = await call('GET', '/mod/plugin/oidc');
      const parameters = { ...(plugin['parameters'] as object), 'jwks-private': JSON.stringify({ keys }) };
      await call('PUT', '/mod/plugin/oidc', { ...plugin, parameters });
      await call('PUT', '/mod/plugin/oidc/reset', {});
    },
    async stop() {
      await program.stop();
      folder.remove();
    },
  };
}

/** Configuration, database and pages in a folder of our own. */
function layOut(folder: string, base: string, port: number): void {
  const settings: [RegExp, string][] = [
    [/^port=.*$/m, `port=${String(port)}`],
    [/^#?bind_address=.*$/m, 'bind_address="127.0.0.1"'],
    [/^external_url=.*$/m, `external_url="${base}"`],
    [/^cookie_secure=.*$/m, 'cookie_secure=0'],
    [/^cookie_domain=.*$/m, 'cookie_domain="127.0.0.1"'],
    [/^static_files_path=.*$/m, `static_files_path="${join(folder, 'webapp')}/"`],
    [/^( *)path = ".*glewlwyd\.db"$/m, `$1path = "${join(folder, 'glewlwyd.db')}"`],
  ];
  let configuration = gunzipSync(readFileSync(join(docs, 'glewlwyd.conf.sample.gz'))).toString();
  for (const [pattern, line] of settings) configuration = configuration.replace(pattern, line);
  writeFileSync(join(folder, 'glewlwyd.conf'), configuration);

  const schema = gunzipSync(readFileSync(join(docs, 'database/init.sqlite3.sql.gz')));
  execFileSync('sqlite3', [join(folder, 'glewlwyd.db')], { input: schema });

  execFileSync('cp', ['-rL', webapp, join(folder, 'webapp')]);
  // In Debian 12 a folder lies where its pages look for this file.
  const pages = join(folder, 'webapp', 'config.json');
  const shipped = readFileSync(join(pages, 'config.json'));
  rmSync(pages, { recursive: true });
  writeFileSync(pages, shipped);
}

type Call = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

/** The administration API, signed in with the password of a new installation. */
async function administrator(base: string): Promise<Call> {
  let cookie = '';
  const call: Call = async (method, path, body) => {
    const response = await fetch(`${base}/api${path}`, {
      method,
      headers: { 'content-type': 'application/json', cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  await call('POST', '/auth', { username: 'admin', password: 'password' });
  return call;
}

async function setUp(
  call: Call,
  options: { issuer: string; keys: JsonWebKey[]; redirectUri: string; clientSecret: string },
): Promise<void> {
  for (const name of ['profile', 'email']) {
    await call('POST', '/scope', {
      name,
      display_name: name,
      description: name,
      password_required: true,
      password_max_age: 0,
      scheme: {},
      scheme_required: {},
    });
  }
  await call('POST', '/mod/plugin', {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    parameters: {
      iss: options.issuer,
      'jwks-private': JSON.stringify({ keys: options.keys }),
      'jwks-show': true,
      'jwt-type': 'rsa',
      'jwt-key-size': '256',
      'access-token-duration': 3600,
      'refresh-token-duration': 1_209_600,
      'code-duration': 600,
      'refresh-token-rolling': true,
      // The password grant comes with it.
      'allow-non-oidc': true,
      'auth-type-code-enabled': true,
      'auth-type-id-token-enabled': true,
      'auth-type-refresh-enabled': true,
      'auth-type-password-enabled': true,
      'subject-type': 'public',
      'allowed-scope': ['openid', 'profile', 'email'],
      'name-claim': 'on-demand',
      'name-claim-scope': ['profile'],
      'email-claim': 'on-demand',
      'email-claim-scope': ['email'],
      claims: [
        {
          name: 'preferred_username',
          'user-property': 'username',
          type: 'string',
          mandatory: false,
          'on-demand': true,
          scope: ['profile'],
        },
      ],
      'pkce-allowed': true,
      'pkce-method-plain-allowed': false,
    },
  });
  for (const { login, password, name, email } of [alice, bob]) {
    const scope = ['openid', 'profile', 'email'];
    await call('POST', '/user?source=database', {
      username: login,
      name,
      email,
      password,
      scope,
      enabled: true,
    });
  }
  await call('POST', '/client?source=database', {
    client_id: clientId,
    name: 'Gatehouse',
    confidential: true,
    client_secret: options.clientSecret,
    redirect_uri: [options.redirectUri],
    authorization_type: ['code', 'password'],
    token_endpoint_auth_method: ['client_secret_basic'],
    scope: [],
    enabled: true,
  });
}

function signingKey(kid: string): JsonWebKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
}

/** The password if asked for, which scopes the client may have if asked for, and on. */
async function answer(page: Page, person: Person): Promise<boolean> {
  const provider = new URL(page.url()).origin;
  const login = page.locator('#username');
  const grant = page.getByRole('button', { name: 'Grant access' });
  const onward = page.getByRole('button', { name: 'Continue' });
  await login.or(onward).first().waitFor();
  const asked = await login.isVisible();
  if (asked) {
    await login.fill(person.login);
    await page.locator('#password').fill(person.password);
    await page.locator('#loginbut').click();
    await onward.waitFor();
  }
  if (await grant.isVisible()) {
    for (const scope of ['profile', 'email']) await page.locator(`#grant-${scope}`).check();
    await grant.click();
  }
  await onward.click();
  await page.waitForURL((url) => url.origin !== provider);
  return asked;
}
