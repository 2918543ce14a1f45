/** Which language somebody is spoken to in. */

/** The languages that there are texts in; the first one is spoken to everybody who wants none of them. */
export const languages = ['en'] as const;

export type Language = (typeof languages)[number];

/**
 * The language that fits best: `uiLocales` (OpenID Connect Core section 3.1.2.1: language tags, most wanted first) count before `acceptLanguage` (RFC 9110
 * section 12.5.4). A tag also fits by its first part (`en-GB` is `en`), as in the look-up of RFC 4647 section 3.4.
 */
export function chooseLanguage(wanted: {
  readonly uiLocales?: string | null | undefined;
  readonly acceptLanguage?: string | undefined;
}): Language {
  const tags = [...(wanted.uiLocales ?? '').split(' '), ...acceptedTags(wanted.acceptLanguage ?? '')];
  for (const tag of tags) {
    const primary = tag.toLowerCase().split('-', 1)[0];
    const known = languages.find((language) => language === primary);
    if (known !== undefined) return known;
  }
  return languages[0];
}

/** Language ranges by weight; those that are refused (`q=0`) are left out. */
function acceptedTags(header: string): string[] {
  return header
    .slice(0, 500)
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.split(';').map((part) => part.trim());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
      return { tag, weight: Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);
}
