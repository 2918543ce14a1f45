/** What a person is called here: the first of the configured claims and templates that makes a localpart. */
import { describe, expect, it } from 'vitest';
import { claimsOf, type ClaimTemplate, renderClaimTemplate } from '../../src/protocol/claim-template.ts';
import { mapLocalpart } from '../../src/sign-in/localpart.ts';
import { SignInRefusal } from '../../src/sign-in/refusal.ts';
import { localpartOf } from '../../src/verification/map-token.ts';

const fallbacks = ['preferred_username', 'nickname', '{email|before_at}', '{sub|escape}'];
const everything = { preferred_username: 'Alice', nickname: 'ally', email: 'a.b@example.com', sub: 'S-1' };

function map(localpart: ClaimTemplate, claims: Record<string, unknown>): string | SignInRefusal {
  return mapLocalpart({ serverName: 'example.org', localpart }, claims);
}

describe('the first one that makes a localpart counts', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['all are there', {}, 'alice'],
    ['the first is missing', { preferred_username: undefined }, 'ally'],
    ['the first is null', { preferred_username: null }, 'ally'],
    ['the first is empty', { preferred_username: '' }, 'ally'],
    ['the first is a list', { preferred_username: ['alice'] }, 'ally'],
    ['the first is an object', { preferred_username: { a: 1 } }, 'ally'],
    ['the first is true', { preferred_username: true }, 'ally'],
    ['the first is white space', { preferred_username: ' \t' }, 'ally'],
    ['the first cannot be a localpart', { preferred_username: 'Ünal Ö' }, 'ally'],
    ['the first is an address', { preferred_username: 'alice@example.com' }, 'ally'],
    ['two are missing', { preferred_username: null, nickname: '' }, 'a.b'],
    ['only a template is left', { preferred_username: null, nickname: null, email: null }, 's-1'],
    ['the first is a number', { preferred_username: 42 }, '42'],
  ])('%s', (_name, changes, expected) => {
    const claims = { ...everything, ...changes };
    expect(map(fallbacks, claims)).toBe(expected);
    expect(localpartOf({ strategies: [], claims: { localpart: fallbacks } }, claims)).toBe(expected);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['nothing is there', {}, /claim preferred_username, email is missing, empty or not text/],
    ['all are null', { preferred_username: null, email: null }, /missing, empty or not text/],
    ['all are empty', { preferred_username: '', email: ' ' }, /missing, empty or not text/],
    ['none can be a localpart', { preferred_username: 'Ü', email: 'a@b' }, /makes no localpart/],
    ['one cannot, the other is missing', { email: 'a@b' }, /makes no localpart/],
    ['others are there', { nickname: 'ally', sub: 's' }, /missing, empty or not text/],
  ])('nobody is let in if %s', (_name, claims, reason) => {
    const refusal = map(['preferred_username', 'email'], claims);
    expect(refusal).toBeInstanceOf(SignInRefusal);
    expect((refusal as SignInRefusal).reason).toMatch(reason);
    expect(
      localpartOf({ strategies: [], claims: { localpart: ['preferred_username', 'email'] } }, claims),
    ).toBeUndefined();
  });

  it('a name that is too long for this server is passed over', () => {
    expect(map(fallbacks, { ...everything, preferred_username: 'x'.repeat(300) })).toBe('ally');
  });

  it('a single claim has no fallback', () => {
    expect(map('preferred_username', { nickname: 'ally' })).toBeInstanceOf(SignInRefusal);
    expect(map(['preferred_username'], { preferred_username: 'Alice' })).toBe('alice');
  });
});

it.each<[ClaimTemplate, string | undefined]>([
  [['name', '{given_name} {family_name}', 'preferred_username'], 'Alice A'],
  [['{given_name} {middle_name}', 'preferred_username'], 'alice'],
  [['missing', 'blank'], undefined],
  [['blank', 'preferred_username'], 'alice'],
  ['name', undefined],
])('a display name of %j is %s', (template, expected) => {
  const claims = {
    given_name: 'Alice',
    family_name: 'A',
    preferred_username: 'alice',
    name: null,
    blank: '  ',
  };
  expect(renderClaimTemplate(template, claims)).toBe(expected);
});

it('the claims of several templates are named once each, in order', () => {
  expect(claimsOf(['preferred_username', '{email|before_at}', '{email}'])).toEqual([
    'preferred_username',
    'email',
  ]);
});
