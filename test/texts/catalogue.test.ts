import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { root } from '../../scripts/run.ts';
import { composeText, plainText } from '../../src/texts/catalogue.ts';
import { en } from '../../src/texts/en.ts';
import { chooseLanguage } from '../../src/texts/language.ts';
import { message } from '../../src/texts/message.ts';

const texts = Object.entries(en).flatMap(([key, entry]) =>
  (typeof entry === 'string' ? [entry] : Object.values(entry)).map((text): [string, string] => [key, text]),
);

describe('the English catalogue', () => {
  it('has no text that no page says', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('texts'))
      .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
      .join('\n');
    expect(Object.keys(en).filter((key) => !sources.includes(`'${key}'`))).toEqual([]);
  });

  test.each(texts)('says %s in plain words', (_key, text) => {
    expect(text).toBe(text.trim().replace(/\s+/g, ' '));
    expect(text.replace(/\{[a-z]+\}/g, '')).not.toMatch(/[{}<>"'`]/);
    expect(text).not.toMatch(
      /\b(OAuth|OIDC|localpart|redirect|scope|token|grant|parameter|claim|client|endpoint|upstream|state)\b/i,
    );
    for (const sentence of text.split(/(?<=[.:?!]) /)) {
      expect(sentence.split(' ').length, sentence).toBeLessThanOrEqual(32);
    }
  });
});

describe('a text', () => {
  test.each([
    [1, 'At least 1 of them has to be of this app.'],
    [2, 'At least 2 of them have to be of this app.'],
    [0, 'At least 0 of them have to be of this app.'],
  ])('has the form of its count: %i', (count, text) => {
    expect(plainText('en', message('consent.crowded.of-app', { count }))).toBe(text);
  });

  it('keeps its own words apart from what is put in', () => {
    expect(composeText('en', 'word.named', { name: '{more}', more: 2 })).toEqual([
      '',
      '{more}',
      ' (',
      2,
      ')',
    ]);
  });

  it('may hold another one', () => {
    const place = message('place.app-behind', { scheme: 'org.example:' });
    expect(plainText('en', message('action.return-to', { place }))).toBe(
      'Return to the app behind org.example:',
    );
  });

  it('fails rather than leave a gap', () => {
    expect(() => composeText('en', 'word.named', { name: 'x' })).toThrow('the text word.named needs more');
  });
});

describe('the language of a page', () => {
  test.each([
    [{ acceptLanguage: 'en-GB,en;q=0.9' }],
    [{ acceptLanguage: 'de-CH, de;q=0.9, en;q=0.5' }],
    [{ acceptLanguage: 'xx' }],
    [{ acceptLanguage: '*' }],
    [{ acceptLanguage: ';q=,,=;q=x' }],
    [{ acceptLanguage: 'en;q=0' }],
    [{ acceptLanguage: undefined, uiLocales: null }],
    [{ acceptLanguage: 'de', uiLocales: 'fr-CA en' }],
  ])('is English as long as there is no other: %o', (wanted) => {
    expect(chooseLanguage(wanted)).toBe('en');
  });
});
