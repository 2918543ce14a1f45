import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../../support/free-port.ts';
import { ask } from '../../support/oauth-client.ts';
import { findInstalled, runProgram, temporaryFolder } from './programs.ts';
import { alice, bob, formVisitor, type RealProvider } from './real-provider.ts';
import { describeProvider } from './suite.ts';

const program = findInstalled('dex-v');

describeProvider({
  name: 'dex',
  title: 'Dex',
  installed: program !== undefined,
  // Its ID tokens do not say when the person signed in.
  warnings: ['provider.auth_time'],
  remembers: false,
  takesPasswords: true,
  start: startDex,
  facts(document, headers) {
    expect(headers.get('cache-control')).toBeNull();
    expect(document).toMatchObject({ code_challenge_methods_supported: ['S256', 'plain'] });
    for (const name of [
      'response_modes_supported',
      'revocation_endpoint',
      'end_session_endpoint',
      'authorization_response_iss_parameter_supported',
    ]) {
      expect(document).not.toHaveProperty(name);
    }
  },
});

/** bcrypt of the two passwords: Dex takes nothing else. */
const hashes = new Map([
  [alice.login, '$2b$10$BTY6GSjJ2I8Xo50HkGXiw./k4X.LuJ95wfxXe5tTnB9md28Q2gB0m'],
  [bob.login, '$2b$10$tWfkELmHfUUhF6ADJeLgEuA6YjcAQoZJ61SX7zReMEQDE3dfIfLv.'],
]);

async function startDex(redirectUri: string): Promise<RealProvider> {
  const folder = temporaryFolder('dex');
  const port = await freePort();
  const issuer = `http://127.0.0.1:${String(port)}/dex`;
  const clientSecret = `dex-${crypto.randomUUID()}`;
  const configuration = {
    issuer,
    storage: { type: 'memory' },
    web: { http: `127.0.0.1:${String(port)}` },
    // It looks every 30 seconds whether its key is older than this.
    expiry: { signingKeys: '5s', idTokens: '10m' },
    enablePasswordDB: true,
    oauth2: { passwordConnector: 'local' },
    staticPasswords: [alice, bob].map(({ login, email }) => ({
      email,
      username: login,
      userID: `id-of-${login}`,
      hash: hashes.get(login),
    })),
    staticClients: [
      { id: 'gatehouse', name: 'Gatehouse', secret: clientSecret, redirectURIs: [redirectUri] },
    ],
  };
  writeFileSync(join(folder.path, 'dex.yaml'), stringify(configuration));
  const running = await runProgram({
    command: program ?? '',
    args: ['serve', join(folder.path, 'dex.yaml')],
    folder: folder.path,
    readyUrl: `${issuer}/healthz`,
    limitSeconds: 30,
  });
  return {
    issuer,
    clientId: 'gatehouse',
    clientSecret,
    settings: { preset: 'dex', claims: { localpart: '{email|before_at}' } },
    legacyLogin: { password: { username: '{localpart}@example.org' } },
    newVisitor: () =>
      Promise.resolve(
        formVisitor(async (browser, { email, password }) => {
          if (browser.page.text.includes('Grant Access')) {
            await browser.submit({ button: 'Grant Access' });
            return false;
          }
          await browser.submit({ button: 'Login', fields: { login: email, password } });
          return true;
        }),
      ),
    rotateKeys: () => nextKey(`${issuer}/keys`),
    async stop() {
      await running.stop();
      folder.remove();
    },
  };
}

/** Waits for its own rotation: the key that signs comes first in the set. */
async function nextKey(jwksUri: string): Promise<void> {
  const signing = async (): Promise<unknown> => {
    const { body } = await ask(jwksUri);
    return (body['keys'] as { kid: string }[])[0]?.kid;
  };
  const before = await signing();
  for (let waited = 0; waited < 80; waited += 1) {
    if ((await signing()) !== before) return;
    await delay(500);
  }
  throw new Error('it did not rotate its key within 40 seconds');
}
