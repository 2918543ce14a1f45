import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { ask, postForm } from '../../support/oauth-client.ts';
import { findInstalled, runProgram, temporaryFolder } from './programs.ts';
import { alice, bob, formVisitor, type Person, type RealProvider } from './real-provider.ts';
import { describeProvider } from './suite.ts';

const distribution = findInstalled('keycloak-', (path) => existsSync(join(path, '.ready')));
const REALM = 'matrix';
const admin = { username: 'admin', password: 'only-for-this-run' };

describeProvider({
  name: 'keycloak',
  title: 'Keycloak',
  installed: distribution !== undefined,
  startSeconds: 240,
  takesPasswords: true,
  start: (redirectUri) => startKeycloak(distribution ?? '', redirectUri),
  facts(document, headers) {
    expect(headers.get('cache-control')).toContain('no-store');
    expect(document).toMatchObject({
      code_challenge_methods_supported: ['plain', 'S256'],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      end_session_endpoint: expect.any(String),
    });
    expect(document['prompt_values_supported']).not.toContain('select_account');
  },
});

/** A distribution that was built for the in-memory database, run from a home folder of its own. */
async function startKeycloak(from: string, redirectUri: string): Promise<RealProvider> {
  const folder = temporaryFolder('keycloak');
  const home = join(folder.path, 'home');
  mkdirSync(join(home, 'bin'), { recursive: true });
  mkdirSync(join(home, 'data', 'import'), { recursive: true });
  for (const part of ['conf', 'lib', 'providers', 'themes']) symlinkSync(join(from, part), join(home, part));
  // The script takes the folder above its own real path for the home.
  copyFileSync(join(from, 'bin', 'kc.sh'), join(home, 'bin', 'kc.sh'));
  const clientSecret = `keycloak-${crypto.randomUUID()}`;
  const realm = realmOf(redirectUri, clientSecret);
  writeFileSync(join(home, 'data', 'import', `${REALM}-realm.json`), JSON.stringify(realm));

  const port = await freePort();
  const base = `http://127.0.0.1:${String(port)}`;
  const issuer = `${base}/realms/${REALM}`;
  const program = await runProgram({
    command: '/bin/sh',
    args: [
      join(home, 'bin', 'kc.sh'),
      'start',
      '--optimized',
      '--import-realm',
      '--http-enabled=true',
      '--http-host=127.0.0.1',
      `--http-port=${String(port)}`,
      `--hostname=${base}`,
    ],
    folder: folder.path,
    env: {
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      KC_BOOTSTRAP_ADMIN_USERNAME: admin.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
    },
    readyUrl: `${issuer}/.well-known/openid-configuration`,
    limitSeconds: 230,
  });
  return {
    issuer,
    clientId: 'gatehouse',
    clientSecret,
    settings: { preset: 'keycloak' },
    legacyLogin: { password: true },
    newVisitor: () =>
      Promise.resolve(
        formVisitor(async (browser, { login, password }) => {
          await browser.submit({ button: 'Sign In', fields: { username: login, password } });
          return true;
        }),
      ),
    rotateKeys: () => addSigningKey(base),
    async stop() {
      await program.stop();
      folder.remove();
    },
  };
}

function realmOf(redirectUri: string, secret: string): object {
  return {
    realm: REALM,
    enabled: true,
    users: [alice, bob].map((person) => userOf(person)),
    clients: [
      {
        clientId: 'gatehouse',
        secret,
        protocol: 'openid-connect',
        publicClient: false,
        standardFlowEnabled: true,
        directAccessGrantsEnabled: true,
        redirectUris: [redirectUri],
        attributes: { 'pkce.code.challenge.method': 'S256' },
      },
    ],
  };
}

function userOf({ login, password, name, email }: Person): object {
  const [firstName, lastName] = name.split(' ');
  return {
    username: login,
    enabled: true,
    email,
    emailVerified: true,
    firstName,
    lastName,
    credentials: [{ type: 'password', value: password, temporary: false }],
  };
}

/** Adds a key of higher priority to the realm, as an administrator does; the old one stays in the key set. */
async function addSigningKey(base: string): Promise<void> {
  const session = await postForm(`${base}/realms/master/protocol/openid-connect/token`, {
    grant_type: 'password',
    client_id: 'admin-cli',
    ...admin,
  });
  const authorization = `Bearer ${String(session.body['access_token'])}`;
  const realm = await ask(`${base}/admin/realms/${REALM}`, { headers: { authorization } });
  const added = await ask(`${base}/admin/realms/${REALM}/components`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'second key',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: realm.body['id'],
      config: { priority: ['200'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] },
    }),
  });
  if (added.status !== 201) throw new Error(`a key could not be added: ${JSON.stringify(added.body)}`);
}
