/** What the code and its tests may refer to: names that the repository defines, not numbers of lists that it does not hold. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/run.ts';

const files = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', 'src', 'test', 'docs'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((name) => name !== '' && !name.startsWith('src/generated/') && existsSync(join(root, name)));
const textOf = (name: string): string => readFileSync(join(root, name), 'utf8');
const isNumbered = (line: string): boolean => /\b(?:rule|item|issue|shows)s? [0-9]/i.test(line);

describe('a reference by number', () => {
  it.each([
    ['the rule', 1].join(' '),
    ['items', '43–46'].join(' '),
    ['(Issue', '4)'].join(' '),
    ['Shows', 2].join(' '),
  ])('is recognised: %s', (line) => {
    expect(isNumbered(line)).toBe(true);
  });

  it.each(['section 2 of RFC 6749', 'the refresh rule', 'two items, 3 of them', 'issued 2 tokens'])(
    'is not: %s',
    (line) => {
      expect(isNumbered(line)).toBe(false);
    },
  );

  it('stands nowhere', () => {
    const found = files.flatMap((name) =>
      textOf(name)
        .split('\n')
        .flatMap((line, index) => (isNumbered(line) ? [`${name}:${String(index + 1)}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

describe('the list of requirements', () => {
  const text = textOf('test/conformance/README.md');

  it('names only files that exist', () => {
    const named = [...text.matchAll(/`([a-z0-9/.-]+\.ts)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(50);
    expect(
      named.filter((name) => !existsSync(join(root, 'test', name)) && !existsSync(join(root, name))),
    ).toEqual([]);
  });
});

it.each([
  'Secrets are hashed',
  'One winner',
  'The refresh rule',
  'Unavailable is 503',
  'Durable before answered',
  'Homeserver first',
  'Locked is not logged out',
  'Only positive evidence ends sessions',
])('the session model defines "%s"', (rule) => {
  expect(textOf('docs/session-model.md')).toContain(`\n## ${rule}\n`);
});
