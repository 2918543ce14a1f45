import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { runProgram, temporaryFolder } from './programs.ts';
import { formVisitor, type Person, type RealProvider } from './real-provider.ts';
import { describeProvider } from './suite.ts';

const portal = '/usr/share/lemonldap-ng/portal/htdocs/index.psgi';
const shipped = '/var/lib/lemonldap-ng';
const rotation = '/usr/share/lemonldap-ng/bin/rotateOidcKeys';

/** Its demonstration accounts; there are no others without a directory. */
const doctor: Person = { login: 'dwho', password: 'dwho', name: 'Doctor Who', email: 'dwho@badwolf.org' };
const rose: Person = { login: 'rtyler', password: 'rtyler', name: 'Rose Tyler', email: 'rtyler@badwolf.org' };

describeProvider({
  name: 'lemonldap',
  title: 'LemonLDAP::NG',
  installed: existsSync(portal) && existsSync('/usr/bin/plackup'),
  // It lists a handful of claims, whatever the relying party gets.
  warnings: ['provider.claim_unlisted'],
  takesPasswords: true,
  start: startLemon,
  facts(document, headers) {
    expect(headers.get('cache-control')).toContain('no-store');
    expect(document).toMatchObject({
      code_challenge_methods_supported: ['plain', 'S256'],
      id_token_signing_alg_values_supported: expect.arrayContaining(['none', 'HS256', 'RS256']),
      backchannel_logout_supported: false,
      end_session_endpoint: expect.any(String),
    });
    expect(document).not.toHaveProperty('revocation_endpoint');
  },
});

/** The portal as a PSGI program, with a configuration and folders of its own. */
async function startLemon(redirectUri: string): Promise<RealProvider> {
  const folder = temporaryFolder('lemonldap');
  const port = await freePort();
  const base = `http://127.0.0.1:${String(port)}`;
  const clientSecret = `lemonldap-${crypto.randomUUID()}`;
  layOut(folder.path, configurationOf(folder.path, `${base}/`, redirectUri, clientSecret));
  const env = { LLNG_DEFAULTCONFFILE: join(folder.path, 'lemonldap-ng.ini') };
  const program = await runProgram({
    command: 'plackup',
    args: ['-s', 'HTTP::Server::PSGI', '--host', '127.0.0.1', '--port', String(port), portal],
    folder: folder.path,
    env,
    readyUrl: `${base}/.well-known/openid-configuration`,
    limitSeconds: 50,
  });
  return {
    issuer: `${base}/`,
    clientId: 'gatehouse',
    clientSecret,
    legacyLogin: { password: true },
    settings: { preset: 'lemonldap' },
    people: [doctor, rose],
    newVisitor: () =>
      Promise.resolve(
        formVisitor(async (browser, { login, password }) => {
          const asksPassword = browser.page.body.includes('name="password"');
          const fields = asksPassword ? { user: login, password } : {};
          await browser.submit({ fields });
          return asksPassword;
        }),
      ),
    rotateKeys() {
      // The portal looks every second for a new configuration.
      execFileSync(rotation, { env: { ...process.env, ...env }, stdio: 'ignore' });
      return Promise.resolve();
    },
    async stop() {
      await program.stop();
      folder.remove();
    },
  };
}

/** What Debian ships, with OpenID Connect switched on and one relying party. */
function configurationOf(folder: string, issuer: string, redirectUri: string, secret: string): object {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const debian = readFileSync(join(shipped, 'conf/lmConf-1.json'), 'utf8').replaceAll(shipped, folder);
  return {
    ...(JSON.parse(debian) as object),
    portal: issuer,
    domain: '127.0.0.1',
    notification: 0,
    loginHistoryEnabled: 0,
    registerDB: 'Null',
    passwordDB: 'Null',
    issuerDBOpenIDConnectActivation: 1,
    oidcServiceAllowAuthorizationCodeFlow: 1,
    oidcServicePrivateKeySig: privateKey.export({ type: 'pkcs1', format: 'pem' }),
    oidcServicePublicKeySig: publicKey.export({ type: 'spki', format: 'pem' }),
    oidcServiceKeyIdSig: 'first',
    oidcRPMetaDataOptions: {
      gatehouse: {
        oidcRPMetaDataOptionsClientID: 'gatehouse',
        oidcRPMetaDataOptionsClientSecret: secret,
        oidcRPMetaDataOptionsDisplayName: 'Gatehouse',
        oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256',
        oidcRPMetaDataOptionsRedirectUris: redirectUri,
        oidcRPMetaDataOptionsRequirePKCE: 1,
        oidcRPMetaDataOptionsBypassConsent: 0,
        oidcRPMetaDataOptionsAllowPasswordGrant: 1,
      },
    },
    oidcRPMetaDataExportedVars: { gatehouse: { preferred_username: 'uid', name: 'cn', email: 'mail' } },
  };
}

function layOut(folder: string, configuration: object): void {
  for (const part of ['conf', 'cache', 'sessions/lock', 'psessions/lock']) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, 'conf/lmConf-1.json'), JSON.stringify(configuration));
  writeFileSync(
    join(folder, 'lemonldap-ng.ini'),
    `[all]
logLevel = warn
checkTime = 1
[configuration]
type = File
dirName = ${folder}/conf
localStorage = Cache::FileCache
localStorageOptions = { 'namespace' => 'config', 'default_expires_in' => 600, 'cache_root' => '${folder}/cache' }
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
`,
  );
}
