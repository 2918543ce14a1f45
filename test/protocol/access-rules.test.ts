import { describe, expect, it } from 'vitest';
import { type AccessRule, type AccessRules, judgeAccess } from '../../src/protocol/access-rules.ts';

const judge = (access: AccessRules, claims: Record<string, unknown>) =>
  judgeAccess(access, { claims, localpart: undefined });

const rules = (parts: Partial<AccessRules>): AccessRules => ({ require: [], deny: [], admin: [], ...parts });
const admits = (rule: AccessRule, claims: Record<string, unknown>): boolean =>
  judge(rules({ require: [rule] }), claims).ok;

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
    [email, { email: 'a@example.com', email_verified: 'true' }, true],
    [email, { email: 'a@example.com', email_verified: 'false' }, false],
    [email, { email: 'a@example.com', email_verified: 'True' }, false],
    [email, { email: 'a@example.com', email_verified: '1' }, false],
    [email, { email: 'a@example.com', email_verified: 1 }, false],
    [email, { email: 'a@example.com', email_verified: ['true'] }, false],
    [email, { email: 'a@example.com', email_verified: { true: true } }, false],
    [email, { email: 'a@example.com', email_verified: '' }, false],
    [email, { email: 'a@example.com', email_verified: null }, false],
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
    const verdict = judge(rules({ deny: [email] }), { email: 'a@example.com' });
    expect(verdict).toMatchObject({ ok: false, kind: 'denied' });
  });
});

describe('a condition on a flag that some providers send as a text', () => {
  const verified = { claim: 'email_verified', any_of: [true] };
  it.each<[AccessRule, Record<string, unknown>, boolean]>([
    [verified, { email_verified: true }, true],
    [verified, { email_verified: 'true' }, true],
    [verified, { email_verified: false }, false],
    [verified, { email_verified: 'false' }, false],
    [verified, { email_verified: 'yes' }, false],
    [verified, { email_verified: [] }, false],
    [verified, { email_verified: null }, false],
    [verified, {}, false],
    [{ claim: 'email_verified', any_of: ['true'] }, { email_verified: true }, true],
    [{ claim: 'email_verified', any_of: [false] }, { email_verified: 'false' }, true],
    [{ claim: 'phone_number_verified', any_of: [true] }, { phone_number_verified: 'true' }, true],
    [{ claim: 'other', any_of: [true] }, { other: 'true' }, false],
  ])('%j of %j: %s', (rule, claims, expected) => {
    expect(admits(rule, claims)).toBe(expected);
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
    expect(judge(all, alice)).toEqual({ ok: true, isAdmin: false });
    expect(judge(all, { ...alice, groups: ['users', 'admins'] })).toEqual({ ok: true, isAdmin: true });
    expect(judge(all, { ...alice, groups: ['admins'] })).toMatchObject({ ok: false });
    expect(judge(rules({}), {})).toEqual({ ok: true, isAdmin: false });
  });

  it('keep out whom one of them denies, whatever is required', () => {
    for (const group of ['suspended', 'guests']) {
      expect(judge(all, { ...alice, groups: ['users', group] })).toMatchObject({
        ok: false,
        kind: 'denied',
      });
    }
  });

  it('say exactly why, without the values of claims', () => {
    const reason = (claims: Record<string, unknown>): string => {
      const verdict = judge(all, claims);
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

describe('a condition on the final localpart', () => {
  const judgeNamed = (parts: Partial<AccessRules>, localpart: string | undefined, claims = {}) =>
    judgeAccess(rules(parts), { claims, localpart });
  const admin = { claim: 'localpart', any_of: ['admin'] };

  it.each<[string, AccessRule, string | undefined, Record<string, unknown>, boolean]>([
    ['is met by the localpart', admin, 'admin', {}, true],
    ['whatever the claims say', admin, 'admin', { localpart: 'bob', preferred_username: 'bob' }, true],
    ['and not by a claim of that name', admin, 'bob', { localpart: 'admin' }, false],
    ['nor where there is no localpart', admin, undefined, { localpart: 'admin' }, false],
    ['in any letter case of the rule', { claim: 'localpart', any_of: ['Admin'] }, 'admin', {}, true],
    ['also where it is digits', { claim: 'localpart', any_of: [1234] }, '1234', {}, true],
    ['by the whole name', admin, 'admin2', {}, false],
    [
      'and by no part of it',
      { claim: 'localpart.admin', any_of: ['x'] },
      'admin',
      { localpart: { admin: 'x' } },
      false,
    ],
  ])('%s', (_name, rule, localpart, claims, isMet) => {
    expect(judgeNamed({ require: [rule] }, localpart, claims).ok).toBe(isMet);
    expect(judgeNamed({ deny: [rule] }, localpart, claims).ok).toBe(!isMet);
    expect(judgeNamed({ admin: [rule] }, localpart, claims)).toEqual({ ok: true, isAdmin: isMet });
  });

  it.each<[string, unknown, boolean]>([
    ['admin', 'admin', true],
    ['admin', 'ADMIN', true],
    ['Admin', 'admin', true],
    ['king', '\u212aing', true],
    ['123', 123, true],
    ['admin', 'admins', false],
    ['admin', ['Admin'], true],
    ['undefined', undefined, false],
    ['null', null, false],
  ])('what keeps out %j by the claim that makes the localpart keeps out %j: %s', (denied, value, isMet) => {
    const deny = [{ claim: 'preferred_username', any_of: [denied] }];
    const claims = { preferred_username: value };
    const named = { localpartClaims: ['preferred_username'] };
    expect(judgeNamed({ deny, ...named }, 'x', claims).ok).toBe(!isMet);
    // What lets somebody in is exact: another letter case may be another person at the provider.
    const isExact = value === denied;
    expect(judgeNamed({ require: deny, ...named }, 'x', claims).ok).toBe(isExact);
    expect(judgeNamed({ admin: deny, ...named }, 'x', claims)).toEqual({ ok: true, isAdmin: isExact });
  });
});
