import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isTrustedRedirect,
  loginRedirectFault,
  trustedRedirectFault,
  withLoginToken,
} from '../../src/protocol/login-redirect.ts';

describe('a login token', () => {
  it.each([
    'https://app.example.com/',
    'https://app.example.com/#/login?x=1',
    'https://app.example.com',
    'https://app.example.com?no_universal_links=true',
    'http://localhost:8080/cb',
    'http://[::1]:8080/',
    'http://intranet/chat',
    'https://xn--mnchen-3ya.example/',
    'https://x?<ab c>&q"+%3D%2B"="fö%26=o"',
    'element://connect',
    'element://vector/webapp/?element-desktop-ssoid=abc',
    'io.element.desktop:/vector/webapp/',
    'im.fluffychat://login',
    'nheko://login',
  ])('may go to %s', (url) => {
    expect(loginRedirectFault(url)).toBeUndefined();
  });

  it.each([
    ['', /absolute/],
    ['app.example.com', /absolute/],
    ['/path', /absolute/],
    ['//host/path', /absolute/],
    [' https://app.example.com/', /a space/],
    ['https://app.example.com/? ', /a space/],
    ['https://', /absolute/],
    ['https://app.example.com:99999/', /absolute/],
    ['https:app.example.com', /host/],
    ['https:\\\\app.example.com', /host/],
    ['https://app.example.com\\@evil.example/', /host/],
    ['https://münchen.example/', /host/],
    ['https://app.example.com@evil.example/', /user information/],
    ['https://user:password@app.example.com/', /user information/],
    ['element://user@connect', /user information/],
    ['https://app.example.com/\r\nset-cookie: a=b', /control/],
    ['java\tscript:alert(1)', /control/],
    ['https://app.example.com/\u0000', /control/],
    ['https://app.example.com/\u2028', /control/],
    ['https://app.example.com/\ud800', /control/],
    [`https://app.example.com/${'a'.repeat(4096)}`, /longer than 4096/],
    ...[
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      'javascript://app.example.com/%0aalert(1)',
      'data:text/html,x',
      'vbscript:x',
      'blob:https://app.example.com/1',
      'file:///etc/passwd',
      'about:blank',
      'view-source:https://app.example.com/',
      'ftp://app.example.com/',
      'ws://app.example.com/',
      'wss://app.example.com/',
      'mailto:a@example.com',
      'intent://app.example.com/#Intent;scheme=https;end',
      'ms-msdt:/id',
      'chrome-extension://abc/',
    ].map((url): [string, RegExp] => [url, /own scheme of an app/]),
  ])('may not go to %j', (url, fault) => {
    expect(loginRedirectFault(url)).toMatch(fault);
  });

  it.each([
    ['https://a.example', 'https://a.example?loginToken=T'],
    ['https://a.example/', 'https://a.example/?loginToken=T'],
    ['https://a.example/?', 'https://a.example/?loginToken=T'],
    ['https://a.example/?a=b&', 'https://a.example/?a=b&loginToken=T'],
    ['https://a.example/?&a&&b=%2f%2F+', 'https://a.example/?&a&&b=%2f%2F+&loginToken=T'],
    ['https://a.example/#/login?loginToken=1', 'https://a.example/?loginToken=T#/login?loginToken=1'],
    ['https://a.example/?loginToken=1&a=2&loginToken=3#f', 'https://a.example/?a=2&loginToken=T#f'],
    ['https://a.example/?loginToken', 'https://a.example/?loginToken=T'],
    ['https://a.example/?login%54oken=1', 'https://a.example/?loginToken=T'],
    [
      'https://a.example/?LoginToken=1&xloginToken=2',
      'https://a.example/?LoginToken=1&xloginToken=2&loginToken=T',
    ],
    ['https://a.example/?next=?loginToken=1', 'https://a.example/?next=?loginToken=1&loginToken=T'],
    ["https://a.example/{x}|^`\\?~!$'()*,;", "https://a.example/{x}|^`\\?~!$'()*,;&loginToken=T"],
    ['element://connect', 'element://connect?loginToken=T'],
    ['io.element.desktop:/webapp?x#y', 'io.element.desktop:/webapp?x&loginToken=T#y'],
    ['https://x?<ab c>&q"="fö"', 'https://x?%3Cab%20c%3E&q%22=%22f%C3%B6%22&loginToken=T'],
  ])('goes to %s in the query, and nothing else of it changes', (url, expected) => {
    expect(withLoginToken(url, 'T')).toBe(expected);
  });
});

describe('any URL that may get a token', () => {
  const part = fc.string({
    unit: fc.oneof(
      fc.constantFrom(
        ...Array.from('abc/?#&=%+:;@[]\\<>"{}|^` \u00e9.~-_'),
        'loginToken',
        'login%54oken',
        '%2f',
        '://',
        '//',
      ),
      fc.string({ minLength: 1, maxLength: 2, unit: 'grapheme' }),
    ),
    maxLength: 12,
  });
  const scheme = fc.constantFrom('https://', 'http://', 'element://', 'im.app:', 'https:', 'javascript:', '');
  const text = fc
    .tuple(scheme, fc.constantFrom('a.example', 'a.example:8443', '[::1]', ''), part)
    .map((parts) => parts.join(''));

  it('leads to the same place with it, once, and with everything else as it was', () => {
    let accepted = 0;
    fc.assert(
      fc.property(text, (redirectUrl) => {
        if (loginRedirectFault(redirectUrl) !== undefined) return;
        accepted += 1;
        const [before, after] = [new URL(redirectUrl), new URL(withLoginToken(redirectUrl, 'glt_T'))];
        expect(after.protocol).toBe(before.protocol);
        expect(after.protocol).not.toBe('javascript:');
        expect(after.host).toBe(before.host);
        expect(after.username + after.password).toBe('');
        expect(decode(after.pathname)).toBe(decode(before.pathname));
        expect(decode(after.hash)).toBe(decode(before.hash));
        const others = [...before.searchParams].filter(([name]) => name !== 'loginToken');
        expect([...after.searchParams]).toEqual([...others, ['loginToken', 'glt_T']]);
        expect(withLoginToken(redirectUrl, 'glt_T')).toMatch(/^[\x21-\x7e]+$/);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });

  /** As far as it can be. */
  const decode = (encoded: string): string =>
    encoded.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
      try {
        return decodeURIComponent(bytes);
      } catch {
        return bytes.toLowerCase();
      }
    });
});

describe("the operator's list", () => {
  const trusted = [
    'https://app.example.com/chat',
    'https://other.example.com',
    'im.fluffychat://login',
    'org.el:cb',
  ];

  it.each([
    'https://app.example.com/chat',
    'https://app.example.com/chat?x=1#y',
    'https://app.example.com/chat/',
    'https://app.example.com/chat/deeper',
    'https://APP.example.com:443/chat/',
    'https://other.example.com/anything',
    'https://other.example.com',
    'im.fluffychat://login',
    'im.fluffychat://login/x',
    'org.el:cb?x',
  ])('has %s', (url) => {
    expect(isTrustedRedirect(url, trusted)).toBe(true);
  });

  it.each([
    'https://app.example.com/',
    'https://app.example.com/chatter',
    'https://app.example.com/chat/../admin',
    'https://app.example.com/chat/%2e%2e/admin',
    'https://app.example.com/chat/..%2fadmin',
    'https://app.example.com/chat/..%5Cadmin',
    'http://app.example.com/chat',
    'https://app.example.com:8443/chat',
    'https://app.example.com.evil.example/chat',
    'https://app.example.com@evil.example/chat',
    'https://sub.other.example.com/',
    'im.fluffychat://login.evil',
    'im.fluffychat://logins',
    'im.fluffychat.evil://login',
    'org.el:cbx',
    'https:app.example.com/chat',
    'no url',
  ])('does not have %s', (url) => {
    expect(isTrustedRedirect(url, trusted)).toBe(false);
  });

  it.each(['https://a.example/?x', 'https://a.example/#x', 'https://*/', 'data:,', 'a.example'])(
    'cannot hold %s',
    (entry) => {
      expect(trustedRedirectFault(entry)).toBeDefined();
    },
  );
});
