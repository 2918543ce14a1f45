/** Each kind of token that a provider signs is judged by its own list of algorithms, and an unsigned one never counts. */
import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import type { ProviderSettings } from '../../../src/upstream/settings.ts';
import { signingKey, startForgedIdp, type ForgedIdp } from '../support/forged-idp.ts';

const SECRET = 'idp-secret-canary';
const ID_LIST = 'id_token_signing_alg_values_supported';
const USERINFO_LIST = 'userinfo_signing_alg_values_supported';

/** Signs as asked: with a published key, with the client secret, or not at all. */
async function sign(claims: Record<string, unknown>, alg: string, typ?: string): Promise<string> {
  const header = typ === undefined ? { alg } : { alg, typ };
  if (!alg.startsWith('HS') && alg !== 'none') {
    const { privateKey } = await signingKey('one', alg);
    return new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode(header)}.${encode(claims)}`;
  if (alg === 'none') return `${signed}.`;
  return `${signed}.${createHmac(`sha${alg.slice(2)}`, SECRET)
    .update(signed)
    .digest('base64url')}`;
}

async function publishKeys(idp: ForgedIdp): Promise<void> {
  const published = await Promise.all(['ES256', 'RS256', 'EdDSA'].map((alg) => signingKey('one', alg)));
  idp.keys = published.map(({ jwk }) => jwk);
}

type Case = readonly [
  alg: string,
  settings: Partial<ProviderSettings>,
  metadata: Record<string, unknown>,
  counts: boolean,
];

const hs = { id_token_algorithms: ['HS256', 'ES256'] };

describe('signed userinfo', () => {
  it.each<Case>([
    ['RS256', {}, { [ID_LIST]: ['ES256'], [USERINFO_LIST]: ['RS256'] }, true],
    ['RS256', { id_token_algorithms: ['ES256'] }, {}, true],
    ['RS256', hs, { [USERINFO_LIST]: ['RS256'] }, true],
    ['EdDSA', {}, { [ID_LIST]: ['ES256'] }, true],
    ['ES256', {}, { [ID_LIST]: ['ES256'], [USERINFO_LIST]: ['none'] }, true],
    ['RS256', {}, { [ID_LIST]: ['ES256', 'RS256'], [USERINFO_LIST]: ['ES256'] }, false],
    ['RS256', {}, { [USERINFO_LIST]: ['ES256', 'none'] }, false],
    ['RS256', { userinfo_algorithms: ['RS256'] }, { [USERINFO_LIST]: ['ES256'] }, true],
    ['ES256', { userinfo_algorithms: ['RS256'] }, { [USERINFO_LIST]: ['ES256'] }, false],
    ['HS256', hs, {}, true],
    ['HS256', hs, { [USERINFO_LIST]: ['RS256'] }, false],
    ['HS256', { userinfo_algorithms: ['HS256'] }, {}, true],
    ['HS256', {}, { [USERINFO_LIST]: ['HS256'] }, false],
    ['HS512', hs, {}, false],
    ['none', {}, { [USERINFO_LIST]: ['none'] }, false],
    ['none', hs, { [USERINFO_LIST]: ['none', 'HS256'] }, false],
  ])('with %s, settings %j, metadata %j: counts %s', async (alg, settings, metadata, counts) => {
    await using idp = await startForgedIdp(settings);
    await publishKeys(idp);
    idp.metadata = metadata;
    idp.userinfo = async (response) => {
      const claims = { iss: idp.issuer, aud: 'gatehouse', sub: 'sub-of-alice', nickname: 'signed' };
      response.writeHead(200, { 'content-type': 'application/jwt' }).end(await sign(claims, alg));
    };
    const login = idp.login();
    if (counts) expect((await login).claims).toMatchObject({ nickname: 'signed' });
    else await expect(login).rejects.toThrow(UpstreamRefusal);
  });
});

describe('a logout token', () => {
  it.each<Case>([
    ['RS256', { id_token_algorithms: ['ES256'] }, {}, true],
    ['RS256', { id_token_algorithms: ['HS256'] }, { [ID_LIST]: ['HS256'] }, true],
    ['RS256', {}, { [ID_LIST]: ['ES256'], [USERINFO_LIST]: ['ES256'] }, true],
    ['EdDSA', {}, {}, true],
    ['RS256', { logout_token_algorithms: ['RS256'], id_token_algorithms: ['ES256'] }, {}, true],
    ['ES256', { logout_token_algorithms: ['RS256'] }, {}, false],
    ['HS256', hs, {}, true],
    ['HS256', { logout_token_algorithms: ['HS256'] }, {}, true],
    ['HS256', { logout_token_algorithms: ['RS256'], id_token_algorithms: ['HS256'] }, {}, false],
    ['HS256', {}, { [ID_LIST]: ['HS256'] }, false],
    ['HS384', hs, {}, false],
    ['none', {}, { [ID_LIST]: ['none'] }, false],
    ['none', hs, {}, false],
  ])('with %s, settings %j, metadata %j: counts %s', async (alg, settings, metadata, counts) => {
    await using idp = await startForgedIdp(settings);
    await publishKeys(idp);
    idp.metadata = metadata;
    const now = Math.floor(idp.clock.now() / 1000);
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const claims = {
      iss: idp.issuer,
      aud: 'gatehouse',
      iat: now,
      exp: now + 120,
      jti: 'j',
      sid: 's',
      events,
    };
    const reading = idp.provider.readLogoutToken(await sign(claims, alg, 'logout+jwt'));
    if (counts) expect((await reading).sid).toBe('s');
    else await expect(reading).rejects.toThrow(UpstreamRefusal);
  });
});

describe('an ID token', () => {
  it.each<Case>([
    ['RS256', {}, { [USERINFO_LIST]: ['ES256'] }, true],
    ['RS256', {}, { [ID_LIST]: ['RS256'], [USERINFO_LIST]: ['ES256'] }, true],
    ['RS256', { userinfo_algorithms: ['ES256'], logout_token_algorithms: ['ES256'] }, {}, true],
    [
      'RS256',
      { userinfo_algorithms: ['RS256'], logout_token_algorithms: ['RS256'] },
      { [ID_LIST]: ['ES256'] },
      false,
    ],
    ['EdDSA', { id_token_algorithms: ['RS256'] }, { [ID_LIST]: ['EdDSA'] }, false],
    ['ES256', {}, { [ID_LIST]: ['none'] }, true],
  ])('with %s, settings %j, metadata %j: counts %s', async (alg, settings, metadata, counts) => {
    await using idp = await startForgedIdp(settings);
    await publishKeys(idp);
    idp.metadata = metadata;
    idp.signer = await signingKey('one', alg);
    // The hash of the access token is that of another algorithm.
    idp.claims = { at_hash: undefined };
    if (counts) expect((await idp.login()).subject).toBe('sub-of-alice');
    else await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });
});
