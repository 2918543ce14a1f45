/** A language, spoken on pages: texts by their key, and whatever is put into one kept apart from it. */
import { composeText } from '../../texts/catalogue.ts';
import type { Language } from '../../texts/language.ts';
import type { Message, Parameters, TextKey } from '../../texts/message.ts';
import { foreign, html, type SafeHtml } from './html.ts';

export interface Words {
  readonly language: Language;
  /** A text of the catalogue. Strings that are put in are text of others: escaped, and their direction isolated. */
  readonly say: <Key extends TextKey>(
    key: Key,
    ...parameters: Parameters<Key, string | number | Message | SafeHtml>
  ) => SafeHtml;
  /** A message that was made elsewhere. */
  readonly tell: (message: Message) => SafeHtml;
}

/** The words of a language. */
export function wordsIn(language: Language): Words {
  const isolate = (value: string | number | Message | SafeHtml): SafeHtml | number => {
    if (typeof value === 'string') return foreign(value);
    return typeof value === 'object' && 'key' in value ? tell(value) : value;
  };
  const compose = (
    key: TextKey,
    parameters: Readonly<Record<string, string | number | Message | SafeHtml>>,
  ): SafeHtml => {
    const isolated = Object.entries(parameters).map(([name, value]) => [name, isolate(value)] as const);
    return html`${composeText<SafeHtml | number>(language, key, Object.fromEntries(isolated))}`;
  };
  const tell = ({ key, parameters }: Message): SafeHtml => compose(key, parameters);
  return { language, say: (key, ...[parameters]) => compose(key, parameters ?? {}), tell };
}
