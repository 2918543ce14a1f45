/** What a token that the IdP signed must look like, whatever it says: its parts, its header, its kind and its times. */
import { CompactSign } from 'jose';
import { describe, expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import { startForgedIdp, type ForgedIdp } from '../support/forged-idp.ts';
import { sendJson } from '../support/scripted-server.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const DAY = 86_400;
type Forge = (token: string) => string;

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** Signs any header and any payload, also those that no library writes. */
async function signText(idp: ForgedIdp, header: string, payload: string): Promise<string> {
  const subtle = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    idp.signer.privateKey,
    Buffer.from(`${encode(header)}.${encode(payload)}`),
  );
  return `${encode(header)}.${encode(payload)}.${encode(Buffer.from(subtle))}`;
}

const HEADER = '{"alg":"ES256","kid":"one"}';

interface Kind {
  readonly name: 'ID token' | 'userinfo' | 'logout token';
  claims(idp: ForgedIdp): Record<string, unknown>;
  /** Has the provider say it; resolves where it counts. */
  present(idp: ForgedIdp, token: string): Promise<unknown>;
}

const times = (idp: ForgedIdp) => {
  const now = Math.floor(idp.clock.now() / 1000);
  return { iss: idp.issuer, aud: 'gatehouse', sub: 'sub-of-alice', iat: now, exp: now + 120 };
};

const idTokenKind: Kind = {
  name: 'ID token',
  claims: (idp) => ({ ...times(idp), nonce: 'the-nonce' }),
  present: (idp, token) => {
    idp.token = async (response, good) => {
      sendJson(response, { ...(await good()), id_token: token });
    };
    return idp.login();
  },
};
const userinfoKind: Kind = {
  name: 'userinfo',
  claims: times,
  present: (idp, token) => {
    idp.userinfo = (response) => response.writeHead(200, { 'content-type': 'application/jwt' }).end(token);
    return idp.login();
  },
};
const logoutKind: Kind = {
  name: 'logout token',
  claims: (idp) => ({ ...times(idp), jti: 'jti-1', events: { [EVENT]: {} } }),
  present: (idp, token) => idp.provider.readLogoutToken(token),
};
const kinds = [idTokenKind, userinfoKind, logoutKind];

async function expectRefused(presented: Promise<unknown>): Promise<void> {
  await expect(presented).rejects.toThrow(UpstreamRefusal);
}

describe.each(kinds.map((kind) => [kind.name, kind] as const))('%s', (_name, kind) => {
  it.each<[string, string]>([
    ['no more', HEADER],
    ['a kid of null', '{"alg":"ES256","kid":null}'],
    ['an empty kid', '{"alg":"ES256","kid":""}'],
    ['a typ of null', '{"alg":"ES256","typ":null}'],
    ['the type JWT', '{"alg":"ES256","typ":"JWT"}'],
    ['keys and URLs that are not looked at', '{"alg":"ES256","jku":"https://x.example/","x5c":[],"jwk":{}}'],
    ['white space', ' { "alg" : "ES256" } '],
  ])('with a header of %s counts', async (_case, header) => {
    await using idp = await startForgedIdp();
    const presented = kind.present(idp, await signText(idp, header, JSON.stringify(kind.claims(idp))));
    expect(await presented).toBeDefined();
    expect(idp.server.count('/')).toBe(0);
  });

  it.each<[string, string]>([
    ['a member twice', '{"alg":"ES256","alg":"ES256","kid":"one"}'],
    ['a kid twice', '{"alg":"ES256","kid":"two","kid":"one"}'],
    ['a kid that is a number', '{"alg":"ES256","kid":1}'],
    ['a kid that is a list', '{"alg":"ES256","kid":["one"]}'],
    ['no alg', '{"kid":"one"}'],
    ['an alg of null', '{"alg":null,"kid":"one"}'],
    ['a list of algs', '{"alg":["ES256"],"kid":"one"}'],
    ['an alg in other letters', '{"alg":"es256","kid":"one"}'],
    ['crit', '{"alg":"ES256","kid":"one","crit":["x"],"x":1}'],
    ['an empty crit', '{"alg":"ES256","kid":"one","crit":[]}'],
    ['an unencoded payload without crit', '{"alg":"ES256","kid":"one","b64":false}'],
    ['an unencoded payload', '{"alg":"ES256","kid":"one","b64":false,"crit":["b64"]}'],
    ['a list', '["ES256"]'],
    ['a byte order mark', `\ufeff${HEADER}`],
    ['a typ of another kind', '{"alg":"ES256","kid":"one","typ":"at+jwt"}'],
  ])('with a header of %s is refused', async (_case, header) => {
    await using idp = await startForgedIdp();
    // Userinfo has no type of its own (OpenID Connect Core section 5.3.2).
    const presented = kind.present(idp, await signText(idp, header, JSON.stringify(kind.claims(idp))));
    if (kind === userinfoKind && header.includes('at+jwt')) expect(await presented).toBeDefined();
    else await expectRefused(presented);
  });

  it.each<[string, Forge]>([
    ['padded parts', (token) => token.split('.').map(pad).join('.')],
    ['a padded signature', (token) => `${token}==`],
    ['one more character', (token) => `${token}A`],
    ['a line break behind it', (token) => `${token}\n`],
    ['a space before it', (token) => ` ${token}`],
    ['a space in it', (token) => token.replace('.', '. ')],
    ['stray bits at its end', (token) => token.slice(0, -1) + sibling(token.at(-1) ?? '')],
    ['the alphabet of base64', (token) => standardAlphabet(token)],
    ['four parts', (token) => `${token}.x`],
    ['five parts', (token) => `${token}.x.y`],
    ['an empty fourth part', (token) => `${token}.`],
    ['two parts', (token) => token.slice(0, token.lastIndexOf('.'))],
    ['no signature', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
    [
      'a signature of zeros',
      (token) => token.slice(0, token.lastIndexOf('.') + 1) + encode(Buffer.alloc(64)),
    ],
    ['nothing', () => ''],
  ])('with %s is refused', async (_case, forge) => {
    await using idp = await startForgedIdp();
    // The text is such that base64 writes it with + and /, and its signature is one that has a - or a _.
    let token = '';
    while (!/[-_]/.test(token.split('.')[2] ?? '')) {
      token = await signText(idp, HEADER, JSON.stringify({ ...kind.claims(idp), note: '~~~???' }));
    }
    expect(await kind.present(idp, token)).toBeDefined();
    await expectRefused(kind.present(idp, forge(token)));
  });

  it.each<[string, string]>([
    ['a list', '["x"]'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['nothing', ''],
    ['cut JSON', '{"sub":'],
    ['a member twice, deep', '"address":{"a":1,"a":2}'],
    ['a member twice', '"sub":"sub-of-bob"'],
    ['__proto__', '"__proto__":{"sub":"sub-of-bob"}'],
  ])('with a payload of %s is refused', async (_case, payload) => {
    await using idp = await startForgedIdp();
    const members = JSON.stringify(kind.claims(idp));
    const text = /^"\w+":/.test(payload) ? `${members.slice(0, -1)},${payload}}` : payload;
    await expectRefused(kind.present(idp, await signText(idp, HEADER, text)));
  });

  it('with a payload that is not UTF-8 is refused', async () => {
    await using idp = await startForgedIdp();
    const bytes = Buffer.concat([
      Buffer.from(JSON.stringify({ ...kind.claims(idp), name: 'X' }).slice(0, -3)),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    const token = await new CompactSign(bytes)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(idp.signer.privateKey);
    await expectRefused(kind.present(idp, token));
  });
});

function pad(part: string): string {
  return part + '='.repeat((4 - (part.length % 4)) % 4 || 4);
}

/** The character that stands for the same bits, but for those that are cut off. */
function sibling(last: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(last) ^ 1] ?? '';
}

function standardAlphabet(token: string): string {
  return token.replaceAll('-', '+').replaceAll('_', '/');
}

describe.each([idTokenKind, logoutKind].map((kind) => [kind.name, kind] as const))(
  'the times of an %s',
  (_name, kind) => {
    it.each<[string, (now: number) => Record<string, unknown>, boolean]>([
      ['as usual', () => ({}), true],
      ['an hour', (now) => ({ exp: now + 3600 }), true],
      ['a month', (now) => ({ exp: now + 30 * DAY }), true],
      ['a fraction of a second', (now) => ({ iat: now - 0.5, exp: now + 60.25 }), true],
      ['iat as far ahead as the clocks may be apart', (now) => ({ iat: now + 59, exp: now + 120 }), true],
      ['iat an hour ahead', (now) => ({ iat: now + 3600, exp: now + 7200 }), false],
      ['iat in milliseconds', (now) => ({ iat: now * 1000 }), false],
      ['exp in milliseconds', (now) => ({ exp: now * 1000 }), false],
      ['exp in ten years', (now) => ({ exp: now + 3650 * DAY }), false],
      ['exp of 1e308', () => ({ exp: 1e308 }), false],
      ['exp before iat, as far as the clocks may be apart', (now) => ({ iat: now, exp: now - 50 }), true],
      ['exp before iat', (now) => ({ iat: now + 59, exp: now - 30 }), false],
      ['iat of zero', () => ({ iat: 0 }), false],
      ['a negative iat', () => ({ iat: -1 }), false],
      ['a negative exp', () => ({ exp: -1 }), false],
      ['iat a text', (now) => ({ iat: String(now) }), false],
      ['exp a text', (now) => ({ exp: String(now + 120) }), false],
      ['exp a list', (now) => ({ exp: [now + 120] }), false],
      ['exp true', () => ({ exp: true }), false],
    ])('%s', async (_case, changes, counts) => {
      await using idp = await startForgedIdp();
      const claims = { ...kind.claims(idp), ...changes(Math.floor(idp.clock.now() / 1000)) };
      const presented = kind.present(idp, await signText(idp, HEADER, JSON.stringify(claims)));
      if (counts) expect(await presented).toBeDefined();
      else await expectRefused(presented);
    });
  },
);

describe('an ID token is not', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['an access token', '{"alg":"ES256","typ":"at+jwt"}', {}],
    ['a logout token', '{"alg":"ES256","typ":"application/logout+jwt"}', {}],
    ['what a number calls its type', '{"alg":"ES256","typ":5}', {}],
    ['what a list calls its type', '{"alg":"ES256","typ":["JWT"]}', {}],
    ["Keycloak's access token", HEADER, { typ: 'Bearer' }],
    ["Keycloak's refresh token", HEADER, { typ: 'Refresh' }],
    ["Keycloak's logout token", HEADER, { typ: 'Logout' }],
    ['a token with the event of a sign-out', HEADER, { events: { [EVENT]: {} } }],
  ])('%s', async (_case, header, changes) => {
    await using idp = await startForgedIdp();
    const claims = { ...idTokenKind.claims(idp), ...changes };
    await expectRefused(idTokenKind.present(idp, await signText(idp, header, JSON.stringify(claims))));
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['the type JWT', '{"alg":"ES256","typ":"jwt"}', {}],
    ["Keycloak's own mark", HEADER, { typ: 'ID' }],
    ['a claim typ that is no text', HEADER, { typ: 5 }],
    ['events that are null', HEADER, { events: null }],
    ['other events', HEADER, { events: { 'https://example.com/': {} } }],
  ])('anything else because of %s', async (_case, header, changes) => {
    await using idp = await startForgedIdp();
    const claims = { ...idTokenKind.claims(idp), ...changes };
    const token = await signText(idp, header, JSON.stringify(claims));
    expect(await idTokenKind.present(idp, token)).toMatchObject({ subject: 'sub-of-alice' });
  });
});

it.each<[string, (now: number) => unknown, boolean]>([
  ['a minute ago', (now) => now - 60, true],
  ['as far ahead as the clocks may be apart', (now) => now + 30, true],
  ['an hour ahead', (now) => now + 3600, false],
  ['in milliseconds', (now) => now * 1000, false],
  ['1e308', () => 1e308, false],
  ['zero', () => 0, false],
  ['null', () => null, false],
])('auth_time %s tells when the person was authenticated: %s', async (_case, authTime, tells) => {
  await using idp = await startForgedIdp();
  idp.claims = { auth_time: authTime(Math.floor(idp.clock.now() / 1000)) };
  const identity = await idp.login();
  expect(identity.authenticatedAt !== undefined).toBe(tells);
  expect(identity.authenticatedAt ?? 0).toBeLessThanOrEqual(idp.clock.now());
});
