/** Dovecot asks Gatehouse whose a token is, in each way that it knows, and a sign-out counts within a second. */
import { mkdtempSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Dovecot, dovecotPath, startDovecot } from '../support/dovecot.ts';
import { postForm, testClient, type TokenSet } from '../support/oauth-client.ts';

const redirectUri = 'https://webmail.example.com/cb';
const SECRET = 'secret-of-the-mail-server';
const MAIL = 'alice@mail.example.org';

let gatehouse: Gatehouse;

beforeAll(async () => {
  expect(dovecotPath, 'Dovecot is not installed: apt-get install dovecot-imapd').toBeDefined();
  gatehouse = await startGatehouse({
    idp: { passwordGrant: true },
    yaml: `introspection: { get: true, tokeninfo: true }
password_grant: { provider: main, username: "{localpart}", login: "{localpart}@mail.example.org" }
scopes:
  - { scope: mail, description: "Your mail", claims: { email: "{localpart}@mail.example.org" }, audience: [dovecot] }
  - { scope: files, description: "Your files", claims: { email: "{localpart}@mail.example.org" } }
clients:
  - { client_id: webmail, redirect_uris: ["${redirectUri}"], scopes: [mail, files] }
  - { client_id: jwtmail, redirect_uris: ["${redirectUri}"], scopes: [mail], access_token_format: jwt, access_token_signing_alg: RS256, access_token_typ: JWT }
  - { client_id: dovecot, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_basic, grant_types: [client_credentials], introspect_all: true }
  - { client_id: dovecot-post, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], introspect_all: true }
  - { client_id: dovecot-plain, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post, grant_types: [password], scopes: [mail], token_answer_claims: true }
`,
  });
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const tokensOf = (scope: string, clientId = 'webmail'): Promise<TokenSet> =>
  testClient(gatehouse, { clientId, redirectUri }).tokens({ parameters: { scope: `openid ${scope}` } });
const revoke = async (tokens: TokenSet, clientId = 'webmail'): Promise<void> => {
  const { status } = await postForm(`${gatehouse.url}oauth2/revoke`, {
    token: tokens.refresh_token,
    client_id: clientId,
  });
  expect(status).toBe(200);
};
const COMMON = (): string => `username_attribute = email
active_attribute = active
active_value = true
scope = mail
openid_configuration_url = ${gatehouse.url}.well-known/openid-configuration
`;
/** As the page for operators of Dovecot has it, with credentials in the URL. */
const credentials = (url: string): string => url.replace('://', `://dovecot:${SECRET}@`);

const ways: readonly [string, () => string][] = [
  [
    'post',
    () => `introspection_mode = post\nintrospection_url = ${credentials(gatehouse.url)}oauth2/introspect\n`,
  ],
  [
    'get',
    () =>
      `introspection_mode = get\nintrospection_url = ${gatehouse.url}oauth2/introspect?token=\nclient_id = dovecot-post\nclient_secret = ${SECRET}\n`,
  ],
  ['auth', () => `introspection_mode = auth\nintrospection_url = ${gatehouse.url}oauth2/tokeninfo\n`],
];

describe.each(ways)('introspection by %s', (_mode, settings) => {
  let dovecot: Dovecot;
  beforeAll(async () => {
    dovecot = await startDovecot({ settings: settings() + COMMON() });
  });
  afterAll(async () => {
    await dovecot[Symbol.asyncDispose]();
  });

  it('a person signs in, and no more after a sign-out', async () => {
    const tokens = await tokensOf('mail');
    expect(await dovecot.bearer(MAIL, tokens.access_token)).toEqual({ outcome: 'OK', challenge: undefined });
    expect((await dovecot.bearer(MAIL, tokens.access_token, 'XOAUTH2')).outcome).toBe('OK');
    await revoke(tokens);
    const { outcome, challenge } = await dovecot.bearer(MAIL, tokens.access_token);
    expect(outcome).toBe('AUTHENTICATIONFAILED');
    expect(JSON.parse(challenge ?? '')).toMatchObject({
      'openid-configuration': `${gatehouse.url}.well-known/openid-configuration`,
    });
  });

  test.each<[string, string, () => Promise<string>]>([
    ['a token that nobody issued', MAIL, () => Promise.resolve('opaque')],
    ['the token of another scope', MAIL, async () => (await tokensOf('files')).access_token],
    ["somebody else's name", 'bob@mail.example.org', async () => (await tokensOf('mail')).access_token],
    ['a refresh token', MAIL, async () => (await tokensOf('mail')).refresh_token],
  ])('%s is refused', async (_what, user, token) => {
    expect((await dovecot.bearer(user, await token())).outcome).toBe('AUTHENTICATIONFAILED');
  });
});

it('verifies JWTs by the keys that were exported for it', async () => {
  const tokens = await tokensOf('mail', 'jwtmail');
  const folder = mkdtempSync('/tmp/gatehouse-dovecot-keys-');
  chmodSync(folder, 0o755);
  const config = join(gatehouse.folder, 'gatehouse.yaml');
  const exported = await runCli(['keys', 'export', '--dovecot', folder, '--config', config]);
  expect(exported.code, exported.stderr).toBe(0);
  await using dovecot = await startDovecot({
    settings: `introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${folder}/
issuers = ${gatehouse.url}
client_id = dovecot
${COMMON().replace(/^active_.*\n/gm, '')}`,
  });
  expect((await dovecot.bearer(MAIL, tokens.access_token)).outcome, dovecot.log()).toBe('OK');
  const [head = '', body = '', signature = ''] = tokens.access_token.split('.');
  const forged = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  expect((await dovecot.bearer(MAIL, forged)).outcome).toBe('AUTHENTICATIONFAILED');
  expect((await dovecot.bearer('bob@mail.example.org', tokens.access_token)).outcome).toBe(
    'AUTHENTICATIONFAILED',
  );
});

it('exchanges a password for a token, and needs no introspection after it', async () => {
  await using dovecot = await startDovecot({
    settings: `introspection_mode = post\nintrospection_url = ${credentials(gatehouse.url)}oauth2/introspect\n${COMMON()}`,
    plain: `grant_url = ${gatehouse.url}oauth2/token
client_id = dovecot-plain
client_secret = ${SECRET}
introspection_mode = post
introspection_url = ${credentials(gatehouse.url)}oauth2/introspect
use_grant_password = yes
${COMMON()}`,
  });
  expect((await dovecot.password(MAIL, 'password of alice')).outcome).toBe('OK');
  expect((await dovecot.password(MAIL, 'another password')).outcome).toBe('AUTHENTICATIONFAILED');
  expect((await dovecot.password('nobody@mail.example.org', 'password of alice')).outcome).toBe(
    'AUTHENTICATIONFAILED',
  );
});
