/** Initial responses of SASL, as clients send them. */
import { describe, expect, it, test } from 'vitest';
import { readInitialResponse, type SaslMechanism } from '../../src/verification/sasl/initial-response.ts';
import { localpartOfName, nameOf } from '../../src/verification/sasl/names.ts';
import { type SaslRules, verifySasl } from '../../src/verification/create-verifier.ts';
import { inactive } from '../../src/verification/verdict.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

describe('an initial response', () => {
  test.each<[SaslMechanism, string, string[], string]>([
    ['OAUTHBEARER', 'n,a=alice@example.com,\x01auth=Bearer T\x01\x01', ['alice@example.com'], 'T'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer T\x01\x01', [], 'T'],
    ['OAUTHBEARER', 'y,,\x01auth=Bearer T\x01\x01', [], 'T'],
    [
      'OAUTHBEARER',
      'n,a=alice,\x01host=mail.example.com\x01port=143\x01auth=bearer T\x01\x01',
      ['alice'],
      'T',
    ],
    ['OAUTHBEARER', 'n,a=a=2Cb=3Dc,\x01auth=BEARER  T\x01\x01', ['a,b=c'], 'T'],
    ['XOAUTH2', 'user=alice@example.com\x01auth=Bearer T\x01\x01', ['alice@example.com'], 'T'],
    ['XOAUTH2', 'user=\x01auth=Bearer T\x01\x01', [], 'T'],
    ['X-OAUTH2', '\0alice\0T', ['alice'], 'T'],
    ['PLAIN', '\0alice\0s3 cret é', ['alice'], 's3 cret é'],
    ['PLAIN', 'alice\0alice@example.com\0T', ['alice', 'alice@example.com'], 'T'],
  ])('%s %j is read', (mechanism, text, names, secret) => {
    expect(readInitialResponse(mechanism, encode(text))).toEqual({ kind: 'read', names, secret });
  });

  test.each<[SaslMechanism, string]>([
    ['OAUTHBEARER', ''],
    ['OAUTHBEARER', '\x01'],
    ['OAUTHBEARER', 'n,,\x01'],
    ['OAUTHBEARER', 'n,,\x01\x01'],
    ['OAUTHBEARER', 'auth=Bearer T\x01\x01'],
    ['OAUTHBEARER', 'n,a=alice\x01auth=Bearer T\x01\x01'],
    ['OAUTHBEARER', 'p=tls-unique,,\x01auth=Bearer T\x01\x01'],
    ['OAUTHBEARER', 'n,a=a=b,\x01auth=Bearer T\x01\x01'],
    ['OAUTHBEARER', 'n,a=,\x01auth=Bearer T\x01\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer T\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer T'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer \x01\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=\x01\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=Basic T\x01\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer T U\x01\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer T\x01auth=Bearer U\x01\x01'],
    ['OAUTHBEARER', 'n,,\x01nonsense\x01auth=Bearer T\x01\x01'],
    ['OAUTHBEARER', 'n,,\x01auth=Bearer T\0\x01\x01'],
    ['XOAUTH2', 'auth=Bearer T\x01\x01'],
    ['XOAUTH2', 'user=alice\x01auth=Bearer T\x01'],
    ['PLAIN', 'alice\0secret'],
    ['PLAIN', '\0\0secret'],
    ['PLAIN', '\0alice\0'],
    ['PLAIN', '\0alice\0a\0b'],
    ['X-OAUTH2', 'alice'],
  ])('%s %j is malformed, and nothing hangs', (mechanism, text) => {
    expect(readInitialResponse(mechanism, encode(text)).kind).toBe('malformed');
  });

  test.each([
    ['no base64', '!!!'],
    ['base64 without padding', encode('\0a\0bc').replace(/=+$/, '')],
    ['the other alphabet', '_-__'],
    ['line breaks', `${encode('\0alice\0secret').slice(0, 8)}\n${encode('\0alice\0secret').slice(8)}`],
    ['bytes that are not UTF-8', Buffer.from([0, 0x61, 0, 0xff]).toString('base64')],
    ['40 kB', encode(`\0a\0${'x'.repeat(30_000)}`)],
  ])('that is %s is malformed', (_name, text) => {
    expect(readInitialResponse('PLAIN', text).kind).toBe('malformed');
  });
});

describe('names', () => {
  const naming = { serverName: 'example.com', template: '{localpart}@mail.example.com' };
  test.each([
    ['alice', 'alice'],
    ['Alice', 'alice'],
    ['alice@example.com', 'alice'],
    ['alice@mail.example.com', 'alice'],
    ['ALICE@MAIL.example.com', 'alice'],
    ['@alice:example.com', 'alice'],
    ['a.b=c/d', 'a.b=c/d'],
    ['alice@other.example.com', undefined],
    ['@alice:other.com', undefined],
    ['al ice', undefined],
    ['', undefined],
    ['@example.com', undefined],
  ])('%j is the localpart %j', (name, localpart) => {
    expect(localpartOfName(naming, name)).toBe(localpart);
  });
  it('are made by the template', () => {
    expect(nameOf(naming, 'alice')).toBe('alice@mail.example.com');
  });
});

describe('the verdict', () => {
  const token = {
    provider: 'main',
    issuer: 'https://idp.example.com',
    subject: 's',
    localpart: 'alice',
    deviceId: undefined,
    clientId: undefined,
    scope: ['mail'],
    issuedAt: undefined,
    expiresAt: undefined,
    claims: {},
  };
  const rules: SaslRules = {
    judgeToken: (secret) => {
      if (secret === 'good') return Promise.resolve({ kind: 'active', token });
      if (secret === 'client')
        return Promise.resolve({ kind: 'active', token: { ...token, localpart: undefined } });
      if (secret === 'locked') return Promise.resolve({ kind: 'locked', token });
      if (secret === 'down') return Promise.resolve({ kind: 'unavailable', error: new Unavailable('x') });
      return Promise.resolve(inactive('unknown', 'nobody knows it'));
    },
    serverName: 'example.com',
    username: '{localpart}@example.com',
    scope: ['mail'],
    openidConfiguration: 'https://auth.example.com/.well-known/openid-configuration',
  };
  const ask = (mechanism: SaslMechanism, text: string, more: Partial<SaslRules> = {}) =>
    verifySasl({ ...rules, ...more }, { mechanism, initialResponse: encode(text) });
  const bearer = (secret: string, name = 'alice'): string => `n,a=${name},\x01auth=Bearer ${secret}\x01\x01`;

  it('names the person as the server knows them', async () => {
    expect(await ask('OAUTHBEARER', bearer('good'))).toMatchObject({
      kind: 'accepted',
      username: 'alice@example.com',
    });
  });

  test.each<[SaslMechanism, string, string, object | undefined]>([
    [
      'OAUTHBEARER',
      bearer('bad'),
      'invalid_token',
      { status: 'invalid_token', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    [
      'OAUTHBEARER',
      'n,,\x01auth=\x01\x01',
      'invalid_request',
      { status: 'invalid_request', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    [
      'OAUTHBEARER',
      bearer('good', 'bob'),
      'invalid_token',
      { status: 'invalid_token', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    [
      'OAUTHBEARER',
      bearer('client'),
      'invalid_token',
      { status: 'invalid_token', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    [
      'OAUTHBEARER',
      bearer('locked'),
      'invalid_token',
      { status: 'invalid_token', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    [
      'XOAUTH2',
      'user=alice\x01auth=Bearer bad\x01\x01',
      'invalid_token',
      { status: '401', schemes: 'bearer', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    [
      'XOAUTH2',
      'user=alice',
      'invalid_request',
      { status: '400', schemes: 'bearer', scope: 'mail', 'openid-configuration': rules.openidConfiguration },
    ],
    ['X-OAUTH2', '\0alice\0bad', 'invalid_token', undefined],
    ['PLAIN', '\0bob\0good', 'invalid_token', undefined],
    ['PLAIN', 'bob\0alice\0good', 'invalid_token', undefined],
  ])('on %s %j is %s', async (mechanism, text, status, challenge) => {
    const verdict = await ask(mechanism, text);
    if (verdict.kind !== 'refused') throw new Error(verdict.kind);
    expect(verdict.status).toBe(status);
    const said =
      verdict.challenge === undefined
        ? undefined
        : (JSON.parse(Buffer.from(verdict.challenge, 'base64').toString()) as object);
    expect(said).toEqual(challenge);
  });

  it('on a token without the scope is insufficient_scope, on an outage none', async () => {
    expect(
      await ask('XOAUTH2', 'user=alice\x01auth=Bearer good\x01\x01', { scope: ['admin'] }),
    ).toMatchObject({
      kind: 'refused',
      status: 'insufficient_scope',
    });
    expect((await ask('OAUTHBEARER', bearer('down'))).kind).toBe('unavailable');
  });

  it('on PLAIN asks about a password only where that is allowed, and shows none to whoever judges tokens', async () => {
    const seen: string[] = [];
    const judgePassword: SaslRules['judgePassword'] = (name, password) => {
      seen.push(`${name} ${password}`);
      return Promise.resolve(password === 'right' ? { kind: 'active', token } : inactive('invalid', 'wrong'));
    };
    const judged: string[] = [];
    const judgeToken: SaslRules['judgeToken'] = (secret) => {
      judged.push(secret);
      return rules.judgeToken(secret);
    };
    expect((await ask('PLAIN', '\0alice\0right', { judgePassword, judgeToken })).kind).toBe('accepted');
    expect((await ask('PLAIN', '\0alice\0wrong', { judgePassword, judgeToken })).kind).toBe('refused');
    expect((await ask('PLAIN', '\0bob\0right', { judgePassword, judgeToken })).kind).toBe('refused');
    expect(judged).toEqual([]);
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA';
    await ask('PLAIN', `\0alice\0${jwt}`, { judgePassword, judgeToken });
    expect(judged).toEqual([jwt]);
    expect(seen.length).toBe(3);
    await ask('PLAIN', '\0alice\0right', { judgeToken });
    expect(judged).toEqual([jwt, 'right']);
  });
});
