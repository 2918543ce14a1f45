import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { faultsOf, inspectText, makeFolder, minimal, provider, type Json } from './support.ts';

const withPassword = (password: unknown, more: Json = {}): Json =>
  minimal({ legacy_login: { password }, ...more });
const configOf = (input: Json) => parseConfig(input, { baseDir: makeFolder() });
const two = [provider(), provider({ id: 'two', issuer: 'https://two.example.com' })];

describe('login by password', () => {
  it('is off unless somebody says so', () => {
    expect(configOf(minimal()).legacy_login.password).toBe(false);
    expect(inspectText(JSON.stringify(minimal())).warnings).toEqual([]);
  });

  it.each([
    [true, true],
    [{}, { username: '{localpart}' }],
    [
      { allow_users: ['bot', 'a.b_c=d/e+f-1'] },
      { allow_users: ['bot', 'a.b_c=d/e+f-1'], username: '{localpart}' },
    ],
    [
      { provider: 'main', username: '{localpart}@{server_name}' },
      { provider: 'main', username: '{localpart}@{server_name}' },
    ],
    [{ username: 'DOMAIN\\{localpart}' }, { username: 'DOMAIN\\{localpart}' }],
  ])('%j is understood', (password, read) => {
    expect(configOf(withPassword(password)).legacy_login.password).toEqual(read);
  });

  it('can be set by the environment, whole or by its keys', () => {
    const env = {
      GATEHOUSE__LEGACY_LOGIN__PASSWORD: '{ allow_users: [bot] }',
      GATEHOUSE__LEGACY_LOGIN__PASSWORD__USERNAME: '{localpart}@example.com',
    };
    expect(parseConfig(minimal(), { baseDir: makeFolder(), env }).legacy_login.password).toEqual({
      allow_users: ['bot'],
      username: '{localpart}@example.com',
    });
  });

  it.each([
    ['yes', 'legacy_login.password', /must be true or false, or a mapping/],
    [{ allow_users: [] }, 'legacy_login.password.allow_users', /at least 1/],
    [{ allow_users: ['@bot:example.com'] }, 'legacy_login.password.allow_users[0]', /localpart/],
    [{ allow_users: ['Bot'] }, 'legacy_login.password.allow_users[0]', /localpart/],
    [{ allow_user: ['bot'] }, 'legacy_login.password.allow_user', /not a known key/],
    [{ username: 'nobody' }, 'legacy_login.password.username', /braces/],
    [{ username: '{server_name}' }, 'legacy_login.password.username', /must have `\{localpart\}`/],
    [{ username: '{localpart}@{host}' }, 'legacy_login.password.username', /braces/],
    [{ username: '{localpart' }, 'legacy_login.password.username', /brace/],
    [{ provider: 'other' }, 'legacy_login.password.provider', /names no provider/],
  ])('%j is a fault', (password, path, problem) => {
    expect(faultsOf(withPassword(password))).toEqual([
      { path, problem: expect.stringMatching(problem) as unknown, remedy: expect.any(String) as unknown },
    ]);
  });

  it('needs to know which of several providers is asked', () => {
    for (const password of [true, { allow_users: ['bot'] }]) {
      expect(faultsOf(withPassword(password, { providers: two }))).toEqual([
        {
          path: 'legacy_login.password',
          problem: 'does not say which provider to use',
          remedy: 'Write `password: { provider: main }`.',
        },
      ]);
    }
    expect(faultsOf(withPassword({ provider: 'two' }, { providers: two }))).toEqual([]);
    expect(faultsOf(withPassword(false, { providers: two }))).toEqual([]);
  });

  it('is there in passthrough mode too', () => {
    expect(faultsOf(withPassword(true, { mode: 'passthrough' }))).toEqual([]);
  });

  it('is warned about, more gently with an allow-list', () => {
    const warnings = (password: unknown): unknown =>
      inspectText(JSON.stringify(withPassword(password))).warnings.map(({ path, problem }) => [
        path,
        problem,
      ]);
    expect(warnings(true)).toEqual([
      ['legacy_login.password', expect.stringContaining('passwords of everybody pass through this service')],
    ]);
    expect(warnings({ allow_users: ['bot'] })).toEqual([
      ['legacy_login.password', expect.stringContaining('passwords pass through this service')],
    ]);
  });

  it('has limits on failures', () => {
    expect(configOf(minimal()).limits).toMatchObject({
      password_failures_per_account: 10,
      password_failures_per_address: 100,
    });
    expect(faultsOf(minimal({ limits: { password_failures_per_account: 0 } }))).toHaveLength(1);
  });
});
