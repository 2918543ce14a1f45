import { describe, expect, it } from 'vitest';
import { type AccessRule, type AccessRules, judgeAccess } from '../../src/protocol/access-rules.ts';

const rules = (parts: Partial<AccessRules>): AccessRules => ({ require: [], deny: [], admin: [], ...parts });
const admits = (rule: AccessRule, claims: Record<string, unknown>): boolean =>
  judgeAccess(rules({ require: [rule] }), claims).ok;

describe('a condition on a claim', () => {
  const groups = { claim: 'groups', any_of: ['staff', 'users'] };
  it.each<[AccessRule, Record<string, unknown>, boolean]>([
    [groups, { groups: ['users'] }, true],
    [groups, { groups: 'staff' }, true],
    [groups, { groups: ['Users', 'users2', ' users'] }, false],
    [groups, { groups: 'users staff' }, false],
    [groups, { groups: [] }, false],
    [groups, { groups: null }, false],
    [groups, {}, false],
    [groups, { groups: [['users']] }, false],
    // Zitadel's roles are the names in an object.
    [groups, { groups: { users: { '1': 'example.org' } } }, true],
    [{ claim: 'level', any_of: [3] }, { level: 3 }, true],
    [{ claim: 'level', any_of: [3] }, { level: '3' }, false],
    [{ claim: 'matrix', any_of: [true] }, { matrix: 'true' }, false],
    [{ claim: 'toString', any_of: ['x'] }, {}, false],
    [{ claim: '__proto__.x', any_of: ['x'] }, {}, false],
    [{ claim: 'realm_access.roles', any_of: ['r'] }, { realm_access: { roles: ['r'] } }, true],
    [{ claim: 'realm_access.roles', any_of: ['r'] }, { 'realm_access.roles': ['r'] }, true],
    [{ claim: 'realm_access.roles', any_of: ['r'] }, { realm_access: ['roles'] }, false],
    [{ claim: 'a.my.client.roles', any_of: ['r'] }, { a: { 'my.client': { roles: ['r'] } } }, true],
    [{ claim: 'https://example.com/roles', any_of: ['r'] }, { 'https://example.com/roles': ['r'] }, true],
  ])('%j of %j: %s', (rule, claims, expected) => {
    expect(admits(rule, claims)).toBe(expected);
  });
});

describe('a condition on the domain of an address', () => {
  const email = { claim: 'email', domain: ['Example.com'] };
  it.each<[AccessRule, Record<string, unknown>, boolean]>([
    [email, { email: 'a@example.com', email_verified: true }, true],
    [email, { email: 'a@EXAMPLE.COM', email_verified: true }, true],
    [email, { email: 'a@example.com', email_verified: false }, false],
    [email, { email: 'a@example.com', email_verified: 'true' }, false],
    [email, { email: 'a@example.com' }, false],
    [email, { email: 'a@sub.example.com', email_verified: true }, false],
    [email, { email: 'a@notexample.com', email_verified: true }, false],
    [email, { email: 'a@example.com@evil.org', email_verified: true }, false],
    [email, { email: '"a@example.com" <a@evil.org>', email_verified: true }, false],
    [email, { email: 'example.com', email_verified: true }, false],
    [email, { email: '@example.com', email_verified: true }, false],
    [{ claim: 'upn', domain: ['example.com'] }, { upn: 'a@example.com' }, true],
  ])('%j of %j: %s', (rule, claims, expected) => {
    expect(admits(rule, claims)).toBe(expected);
  });

  it('keeps out whether the address is verified or not', () => {
    const verdict = judgeAccess(rules({ deny: [email] }), { email: 'a@example.com' });
    expect(verdict).toMatchObject({ ok: false, kind: 'denied' });
  });
});

describe('the rules together', () => {
  const all = rules({
    require: [
      { claim: 'groups', any_of: ['users'] },
      { claim: 'email', domain: ['example.com'] },
    ],
    deny: [
      { claim: 'groups', any_of: ['suspended'] },
      { claim: 'groups', any_of: ['guests'] },
    ],
    admin: [{ claim: 'groups', any_of: ['admins'] }],
  });
  const alice = { groups: ['users'], email: 'alice@example.com', email_verified: true };

  it('let in whoever satisfies all that is required', () => {
    expect(judgeAccess(all, alice)).toEqual({ ok: true, isAdmin: false });
    expect(judgeAccess(all, { ...alice, groups: ['users', 'admins'] })).toEqual({ ok: true, isAdmin: true });
    expect(judgeAccess(all, { ...alice, groups: ['admins'] })).toMatchObject({ ok: false });
    expect(judgeAccess(rules({}), {})).toEqual({ ok: true, isAdmin: false });
  });

  it('keep out whom one of them denies, whatever is required', () => {
    for (const group of ['suspended', 'guests']) {
      expect(judgeAccess(all, { ...alice, groups: ['users', group] })).toMatchObject({
        ok: false,
        kind: 'denied',
      });
    }
  });

  it('say exactly why, without the values of claims', () => {
    const reason = (claims: Record<string, unknown>): string => {
      const verdict = judgeAccess(all, claims);
      return verdict.ok ? '' : verdict.reason;
    };
    expect(reason({ ...alice, groups: ['secret-group'] })).toBe(
      'access rules: groups: users is required, and none of its 1 values fits',
    );
    expect(reason({ ...alice, groups: undefined })).toBe(
      'access rules: groups: users is required, and there is no claim groups',
    );
    expect(reason({ ...alice, email_verified: false })).toBe(
      'access rules: email at example.com is required, and email_verified is not true',
    );
  });
});
