/** Who it is, by the claim that names the person: one rule for ID tokens and for the userinfo of plain OAuth 2.0. */
import { describe, expect, it } from 'vitest';
import { subjectOf } from '../../../src/upstream/login/login.ts';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import type { ResolvedSettings } from '../../../src/upstream/resolved-settings.ts';

describe.each(['sub', 'id'])('the claim %s', (claim) => {
  const settings = { subjectClaim: claim } as ResolvedSettings;

  it.each<[string, unknown]>([
    ['a NUL', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a DEL', 'a\u007f'],
    ['the first half of a surrogate pair', 'a\ud800'],
    ['the second half of a surrogate pair', '\udc00a'],
    ['nothing', ''],
    ['256 characters', 'x'.repeat(256)],
    ['an object', {}],
    ['a fraction', 1.5],
  ])('with %s is refused', (_name, value) => {
    expect(() => subjectOf(settings, { [claim]: value })).toThrow(UpstreamRefusal);
  });

  it.each(['person', 'x'.repeat(255), 'Zoë', '😀', ' a b '])('%j is taken as it is', (value) => {
    expect(subjectOf(settings, { [claim]: value })).toBe(value);
  });
});

it('a whole number counts as its digits in plain OAuth 2.0, and never as the sub of OpenID Connect', () => {
  expect(subjectOf({ subjectClaim: 'id' } as ResolvedSettings, { id: 42 })).toBe('42');
  expect(() => subjectOf({ subjectClaim: 'sub' } as ResolvedSettings, { sub: 42 })).toThrow(UpstreamRefusal);
});
