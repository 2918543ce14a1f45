/** The language of what people read: phrases that make a reader go back are found here, each with what to write instead. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/run.ts';

type Phrase = readonly [RegExp, string];

/** Not allowed anywhere: pages, comments, messages. */
const phrases: readonly Phrase[] = [
  [/\b(?:is|are|was|were|be|been|never|ever) had\b/i, 'is fetched, is known, exists'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\baloud\b/i, 'clearly'],
  [/\bin so many words\b/i, 'explicitly'],
  [/\bbut for\b/i, 'except'],
  [/\b(?:nobody|somebody|anybody)'s\b/i, 'of no person, of another person'],
  [/\bstranger's\b/i, 'of another person'],
  [/\bof ours\b/i, 'our own'],
  [/\band its kin\b/i, 'and similar'],
];

/** Not allowed in pages, which are read without the code beside them. */
const phrasesOfPages: readonly Phrase[] = [
  ...phrases,
  [/\bstands? (?:in for|in the (?:list|file|table|document|configuration))\b/i, 'is in'],
  [/\bstands? ready\b/i, 'is ready'],
  [/\bNever (?:is|are|does|do) \w+/, 'the subject first'],
  [/\bwhat is (?:no|not) [a-z]+\b/i, 'other things'],
  [/\bnothing to say\b/i, 'no findings'],
  [/(?:^|[.:;|] )Who (?:is|has|loses|reads|holds|knows)\b/m, 'a person who'],
];

const folder = (name: string, extension: string): string[] =>
  readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension))
    .map((file) => `${name}/${file}`);

const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...folder('docs', '.md')];
const sources = folder('src', '.ts').filter((file) => !file.startsWith('src/generated/'));

/** The places of a text that hold one of the phrases. */
function phrasesIn(text: string, unwanted = phrasesOfPages): string[] {
  return text.split('\n').flatMap((line, index) =>
    unwanted.flatMap(([phrase, instead]) => {
      const [found] = phrase.exec(line) ?? [];
      return found === undefined ? [] : [`line ${String(index + 1)}: "${found}", write: ${instead}`];
    }),
  );
}

describe('the phrases', () => {
  it.each([
    ['The claims are had again.', 1],
    ['Mended by a restart.', 1],
    ['A cookie of ours.', 1],
    ['Never is a token logged.', 1],
    ["Everything but for loopback is refused, and somebody's browser waits.", 2],
    ['The claims are fetched again.', 0],
    ['A restart fixes it; this never happens twice.', 0],
    ['He understands that the standard recommends it.', 0],
  ])('%s: %i found', (text, found) => {
    expect(phrasesIn(text)).toHaveLength(found);
  });
});

it.each(pages)('%s is in plain words', (file) => {
  expect(phrasesIn(readFileSync(join(root, file), 'utf8'))).toEqual([]);
});

it('comments and messages of the code are in plain words', () => {
  const found = sources.flatMap((file) =>
    phrasesIn(readFileSync(join(root, file), 'utf8'), phrases).map((each) => `${file}, ${each}`),
  );
  expect(sources.length).toBeGreaterThan(300);
  expect(found).toEqual([]);
});
