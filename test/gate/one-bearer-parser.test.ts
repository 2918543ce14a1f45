/** A rule about tokens that stands in two places is wrong in one of them, sooner or later. */
import { ESLint } from 'eslint';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/run.ts';

const eslint = new ESLint({ cwd: root });
const faults = async (file: string, statement: string): Promise<string[]> => {
  const text = `/** Reads. */\nexport const read = (header: string): unknown => ${statement};\n`;
  const [result] = await eslint.lintText(text, { filePath: join(root, file) });
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId === 'no-restricted-syntax')
    .map(({ message }) => message);
};

test.each([
  ['a pattern', String.raw`/^bearer +(\S+)$/i.exec(header)`, 1],
  ['a pattern in capitals', String.raw`/^Bearer (.*)/.exec(header)`, 1],
  ['a prefix', `header.startsWith('Bearer ')`, 1],
  ['a prefix that is taken away', `header.replace('Bearer ', '')`, 1],
  ['a split', `header.split('bearer ')`, 1],
  ['a comparison', `header.slice(0, 7) === 'Bearer '`, 1],
  ['an answer of the token endpoint', `({ token_type: 'Bearer', header })`, 0],
  ['a challenge', `\`Bearer realm="\${header}"\``, 0],
  ['another scheme', `header.startsWith('Basic ')`, 0],
])(
  'a second reading of a Bearer header fails the lint: %s',
  { timeout: 120_000 },
  async (_, statement, count) => {
    const found = await faults('src/matrix-api/whoami.ts', statement);
    expect(found).toHaveLength(count);
    for (const message of found) expect(message).toContain('readAuthorization');
  },
);

test('the one that there is may', { timeout: 120_000 }, async () => {
  expect(await faults('src/http/bearer.ts', String.raw`/^bearer +(\S+)$/i.exec(header)`)).toEqual([]);
});
