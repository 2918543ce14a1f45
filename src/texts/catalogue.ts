/** The texts of all languages, and how one of them is put together. */
import { en } from './en.ts';
import type { Language } from './language.ts';
import type { Message, TextKey } from './message.ts';

/** One text: what stands in braces is put in. With a plural: by the category of its `count` (CLDR; `other` always exists). */
export type Entry =
  string | ({ readonly other: string } & Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>);

/** A language has every text that English has. */
type Catalogue = Readonly<Record<TextKey, Entry>>;

const catalogues: Readonly<Record<Language, Catalogue>> = { en };

/** A text in pieces: its own words as strings, and between them what is put in, as it was given. */
export function composeText<Value>(
  language: Language,
  key: TextKey,
  parameters: Readonly<Record<string, Value>>,
): (string | Value)[] {
  const text = formOf(catalogues[language][key], language, parameters['count']);
  return text.split(/\{([a-z]+)\}/).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const value = parameters[piece];
    if (value === undefined) throw new Error(`the text ${key} needs ${piece}`);
    return value;
  });
}

function formOf(entry: Entry, language: Language, count: unknown): string {
  if (typeof entry === 'string') return entry;
  return entry[new Intl.PluralRules(language).select(Number(count))] ?? entry.other;
}

/** A message without markup, for a title, a log line or JSON. */
export function plainText(language: Language, { key, parameters }: Message): string {
  return composeText(language, key, parameters)
    .map((piece) => (typeof piece === 'object' ? plainText(language, piece) : piece))
    .join('');
}
