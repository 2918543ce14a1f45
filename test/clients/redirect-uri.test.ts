import { describe, expect, it } from 'vitest';
import {
  authorizationResponseUrl,
  matchesRegistered,
  redirectUriFault,
} from '../../src/clients/redirect-uri.ts';

const clientUri = new URL('https://example.com/');

describe('a redirect URI at registration', () => {
  it.each([
    'https://example.com',
    'https://example.com/callback',
    'https://app.example.com/callback?a=b',
    'https://example.com:5173/?no-loopback=1',
  ])('of a web client may be %s', (uri) => {
    expect(redirectUriFault(uri, { applicationType: 'web', clientUri })).toBeUndefined();
  });

  it.each([
    ['http://example.com/', 'https'],
    ['https://localhost/', 'loopback'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://user@example.com/', 'user information'],
    ['https://user:pass@example.com/', 'user information'],
    ['https://example.com/#', 'fragment'],
    ['https://example.com/#here', 'fragment'],
    ['https://example.org/', 'host of client_uri'],
    ['https://example.com.evil.org/', 'host of client_uri'],
    ['https://evilexample.com/', 'host of client_uri'],
    ['https://example.com\\@evil.org/', 'RFC 3986'],
    ['https://exämple.com/', 'RFC 3986'],
    ['https://example.com/\r\nx', 'RFC 3986'],
    ['com.example.app:/', 'https'],
    ['http://localhost/', 'https'],
    ['javascript:alert(1)', 'https'],
    ['data:text/html,x', 'https'],
    ['/callback', 'absolute'],
    [`https://example.com/${'a'.repeat(2048)}`, 'longer'],
  ])('of a web client may not be %s', (uri, words) => {
    expect(redirectUriFault(uri, { applicationType: 'web', clientUri })).toContain(words);
  });

  it.each([
    'https://example.com/callback',
    'com.example.app:/callback',
    'com.example:cb',
    'com.example:/',
    'http://localhost/callback',
    'http://127.0.0.1/',
    'http://127.0.0.1',
    'http://[::1]/callback?x=y',
    'http://localhost:3000/cb',
    'http://127.0.0.1:1/',
    'http://[::1]:8080',
    'http://127.0.0.1:65535/cb?x=y',
  ])('of a native client may be %s', (uri) => {
    expect(redirectUriFault(uri, { applicationType: 'native', clientUri })).toBeUndefined();
  });

  it.each([
    ['com.example.app://callback', 'authority'],
    ['example:/cb', 'scheme'],
    ['org.example.app:/cb', 'scheme'],
    ['com.examples:/cb', 'scheme'],
    ['http://localhost:0/cb', 'port from 1 to 65535'],
    ['http://127.0.0.1:00/', 'port from 1 to 65535'],
    ['http://127.0.0.1:65536/', 'absolute'],
    ['http://127.0.0.1:/', 'localhost, 127.0.0.1 or [::1]'],
    ['http://127.0.0.1:80@evil.org/', 'localhost, 127.0.0.1 or [::1]'],
    ['http://example.com:3000/', 'localhost, 127.0.0.1 or [::1]'],
    ['http://localhost.evil.org/', 'localhost, 127.0.0.1 or [::1]'],
    ['http://127.0.0.2/', 'localhost, 127.0.0.1 or [::1]'],
    ['http://user@localhost/', 'localhost, 127.0.0.1 or [::1]'],
    ['http://example.com/', 'localhost, 127.0.0.1 or [::1]'],
    ['https://localhost/cb', 'loopback'],
    ['javascript:alert(1)', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['about:blank', 'scheme'],
  ])('of a native client may not be %s', (uri, words) => {
    expect(redirectUriFault(uri, { applicationType: 'native', clientUri })).toContain(words);
  });
});

describe('a redirect URI at authorization', () => {
  const registered = ['https://example.com/cb', 'http://127.0.0.1/cb?x=1', 'com.example.app:/cb'];

  it.each([
    'https://example.com/cb',
    'http://127.0.0.1:51004/cb?x=1',
    'http://127.0.0.1/cb?x=1',
    'com.example.app:/cb',
  ])('matches: %s', (uri) => {
    expect(matchesRegistered(uri, registered, 'native')).toBe(true);
  });

  it.each([
    'https://example.com/CB',
    'https://example.com/cb/',
    'https://example.com/cb?a=b',
    'https://example.com/%63b',
    'https://example.com:443/cb',
    'https://example.com:8443/cb',
    'https://example.com/cb/..;/x',
    'https://example.com/cb%252f..',
    'https://example.com.evil.org/cb',
    'https://example.com@evil.org/cb',
    'https://exampleXcom/cb',
    'http://localhost:51004/cb?x=1',
    'http://[::1]:51004/cb?x=1',
    'http://127.0.0.1:51004/cb',
    'http://127.0.0.1:51004/cb?x=2',
    'http://127.0.0.1:0/cb?x=1',
    'http://127.0.0.1:65536/cb?x=1',
    'http://127.0.0.1:80@evil.org/cb?x=1',
    'http://127.0.0.1:51004.evil.org/cb?x=1',
    'com.example.app:/cb/x',
    'com.example.app:/CB',
    '',
  ])('does not match: %s', (uri) => {
    expect(matchesRegistered(uri, registered, 'native')).toBe(false);
  });

  it.each([
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:51004/cb', true],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1/cb', true],
    ['http://localhost:8080', 'http://localhost:1', true],
    ['http://[::1]:8080/?x=1', 'http://[::1]:65535/?x=1', true],
    ['http://127.0.0.1:8080/cb', 'http://localhost:8080/cb', false],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:51004/other', false],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:0/cb', false],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:51004.evil.org/cb', false],
    ['http://127.0.0.1:8080/cb', 'https://127.0.0.1:51004/cb', false],
    ['https://example.com:8080/cb', 'https://example.com:8081/cb', false],
  ])('that was registered as %s: %s matches: %s', (known, uri, expected) => {
    expect(matchesRegistered(uri, [known], 'native')).toBe(expected);
  });

  it('has no free port for a web client', () => {
    expect(matchesRegistered('http://127.0.0.1:51004/cb?x=1', registered, 'web')).toBe(false);
  });
});

describe('an authorization response', () => {
  it.each([
    ['https://a.example/cb', 'query', 'https://a.example/cb?code=c&state=s+1'],
    ['https://a.example/cb?x=%2F', 'query', 'https://a.example/cb?x=%2F&code=c&state=s+1'],
    ['https://a.example/cb?', 'query', 'https://a.example/cb?code=c&state=s+1'],
    ['https://a.example/cb?x=1', 'fragment', 'https://a.example/cb?x=1#code=c&state=s+1'],
    ['com.example.app:/cb', 'query', 'com.example.app:/cb?code=c&state=s+1'],
  ] as const)('to %s by %s leaves the rest byte for byte', (redirectUri, responseMode, expected) => {
    const parameters = { code: 'c', state: 's 1', missing: undefined, nothing: null };
    expect(authorizationResponseUrl({ redirectUri, responseMode }, parameters)).toBe(expected);
  });
});
