import { describe, expect, it } from 'vitest';
import { clearCookie, cookieName, readCookie, setCookie } from '../../src/http/cookies.ts';
import { createCsrf } from '../../src/http/csrf.ts';
import { PageRefusal } from '../../src/http/pages/page-refusal.ts';

describe('cookies', () => {
  it('are bound to the host and to https where the public URL is https', () => {
    expect(setCookie('https://a.example/', 'login-1', 'a.b_c', { maxAgeSeconds: 600 })).toBe(
      '__Host-gatehouse-login-1=a.b_c; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax',
    );
    expect(setCookie('http://127.0.0.1/', 'login-1', 'a')).toBe(
      'gatehouse-login-1=a; Path=/; HttpOnly; SameSite=Lax',
    );
    expect(clearCookie('https://a.example/', 'login-1')).toContain('__Host-gatehouse-login-1=; Max-Age=0;');
  });

  it('are read by the name that belongs to the scheme', () => {
    const cookies = {
      [cookieName('https://a.example/', 'a')]: 'x',
      [cookieName('http://127.0.0.1/', 'b')]: 'y',
    };
    expect(readCookie('https://a.example/', { cookies }, 'a')).toBe('x');
    expect(readCookie('https://a.example/', { cookies }, 'b')).toBeUndefined();
  });
});

describe('forged forms', () => {
  const csrf = createCsrf({ key: Buffer.alloc(32, 1), publicUrl: 'https://auth.example.com/gatehouse/' });
  const tokenOf = (secret: string, purpose: string): string =>
    /value="([\w-]+)"/.exec(csrf.field(secret, purpose).text)?.[1] ?? '';
  const check = (
    token: string | undefined,
    headers: Record<string, string>,
    secret: string | undefined = 's',
    purpose = 'consent:1',
  ): unknown => {
    try {
      csrf.check({ form: new Map(token === undefined ? [] : [['csrf', token]]), headers }, secret, purpose);
      return 'fine';
    } catch (error) {
      return error instanceof PageRefusal ? [error.status, error.reason] : error;
    }
  };
  const token = tokenOf('s', 'consent:1');

  it('pass with the token of that form and that cookie, from our own origin', () => {
    expect(check(token, {})).toBe('fine');
    expect(check(token, { 'sec-fetch-site': 'same-origin', origin: 'https://auth.example.com' })).toBe(
      'fine',
    );
  });

  it('are refused with 403 otherwise', () => {
    const wrong = [403, 'the token of the form is missing or wrong'];
    expect(check(undefined, {})).toEqual(wrong);
    expect(check('', {})).toEqual(wrong);
    expect(check(`${token.slice(0, -2)}AA`, {})).toEqual(wrong);
    expect(check(tokenOf('other', 'consent:1'), {})).toEqual(wrong);
    expect(check(tokenOf('s', 'consent:2'), {})).toEqual(wrong);
    expect(check(token, {}, '')).toEqual([403, 'the cookie of the form is missing']);
    expect(check(token, { 'sec-fetch-site': 'cross-site' })).toEqual([
      403,
      'the form came from another site (cross-site)',
    ]);
    expect(check(token, { 'sec-fetch-site': 'same-site' })).toEqual([
      403,
      'the form came from another site (same-site)',
    ]);
    for (const origin of [
      'null',
      'https://evil.example',
      'http://auth.example.com',
      'https://auth.example.com:8443',
    ]) {
      expect(check(token, { origin }), origin).toEqual([403, 'the form came from another origin']);
    }
  });
});
