/** Claims that a provider points to instead of sending them (OpenID Connect Core section 5.6.2): unknown, not absent. */
import { expect, it } from 'vitest';
import { type AccessRules, judgeAccess } from '../../src/protocol/access-rules.ts';

const judge = (access: AccessRules, claims: Record<string, unknown>) =>
  judgeAccess(access, { claims, localpart: undefined });

const groups = [{ claim: 'groups', any_of: ['x'] }];
const required = { require: groups, deny: [], admin: [] };
const denied = { require: [], deny: groups, admin: [] };

it.each<[string, Record<string, unknown>]>([
  ['_claim_names', { _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } }],
  ['_claim_names without sources', { _claim_names: { groups: 'src1' } }],
  ['hasgroups', { hasgroups: true }],
  ['hasgroups as a text', { hasgroups: 'true' }],
  ['groups:src1', { 'groups:src1': 'https://graph.example/' }],
  ['a null beside it', { groups: null, hasgroups: true }],
])('%s: neither rule lets anybody in, and nothing is known', (_name, claims) => {
  for (const rules of [required, denied]) {
    const verdict = judge(rules, claims);
    expect(verdict).toMatchObject({ ok: false, isUnknown: true, isAbsent: false });
    expect(verdict).toHaveProperty('reason', expect.stringContaining('only pointed to it'));
  }
});

it.each<[string, Record<string, unknown>]>([
  ['another claim is pointed to', { _claim_names: { roles: 'src1' } }],
  ['hasgroups is false', { hasgroups: false }],
  ['nothing is said', {}],
  ['the claim is sent as well', { groups: ['y'], _claim_names: { groups: 'src1' } }],
])('%s: the claim is judged as it is', (_name, claims) => {
  expect(judge(required, claims)).toMatchObject({ ok: false, isUnknown: false });
  expect(judge(denied, claims)).toMatchObject({ ok: true });
});
