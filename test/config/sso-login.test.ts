import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { inspectText, makeFolder, minimal, type Json } from './support.ts';

const warningsOf = (input: Json): string[] =>
  inspectText(JSON.stringify(input)).warnings.map(({ path, problem }) => `${path} ${problem}`);

describe('login by single sign-on', () => {
  it('is on, with tokens of ten seconds and nobody trusted, unless somebody says otherwise', () => {
    expect(parseConfig(minimal(), { baseDir: makeFolder() }).legacy_login).toMatchObject({
      sso: true,
      login_token_ttl_seconds: 10,
      trusted_redirects: [],
    });
    expect(warningsOf(minimal())).toEqual([]);
  });

  it('warns of a trusted app that is reached without encryption, and of no other', () => {
    const trusted = [
      'https://a.example/',
      'http://localhost:8080/',
      'element://connect',
      'http://b.example/',
    ];
    expect(warningsOf(minimal({ legacy_login: { trusted_redirects: trusted } }))).toEqual([
      expect.stringMatching(/^legacy_login.trusted_redirects\[3\] is http on a host that is not loopback/),
    ]);
  });

  it('warns where nobody could sign in at all', () => {
    expect(warningsOf(minimal({ oauth_api: false, legacy_login: { sso: false } }))).toEqual([
      expect.stringMatching(/^oauth_api is off, and so is legacy login/),
    ]);
    expect(warningsOf(minimal({ oauth_api: false }))).toEqual([]);
    expect(warningsOf(minimal({ legacy_login: { sso: false } }))).toEqual([]);
  });
});
