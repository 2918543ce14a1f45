import { expect, test } from 'vitest';
import { type Authorization, readAuthorization } from '../../src/http/bearer.ts';

const bearer = (token: string): Authorization => ({ kind: 'bearer', token });
const other = (scheme: string): Authorization => ({ kind: 'other', scheme });

test.each<[string | undefined, Authorization]>([
  [undefined, { kind: 'absent' }],
  ['Bearer abc', bearer('abc')],
  ['bearer abc', bearer('abc')],
  ['BEARER   abc', bearer('abc')],
  ['Bearer a-b._~+/9==', bearer('a-b._~+/9==')],
  ['Bearer p@ss,w0rd"', bearer('p@ss,w0rd"')],
  ['Bearer', other('bearer')],
  ['Bearer ', other('bearer')],
  ['Bearer a b', other('bearer')],
  ['Bearer\tabc', other('bearer')],
  ['Bearer abc ', other('bearer')],
  ['Bearer gedöns', other('bearer')],
  [' Bearer abc', other('')],
  ['Bearerabc', other('bearerabc')],
  ['Basic Z2F0ZQ==', other('basic')],
  ['', other('')],
])('the header %j is read as %o', (authorization, expected) => {
  expect(readAuthorization({ authorization })).toEqual(expected);
});
