/** The template of all pages: it escapes whatever is put in. */

const safe = Symbol('safe html');
/** HTML that was escaped if it had to be. Made by {@link html} only. */
export interface SafeHtml {
  readonly [safe]: true;
  readonly text: string;
}

/** What may stand in a template: text and numbers are escaped, `SafeHtml` is taken as it is, lists are joined, `undefined` and `false` are nothing. */
export type Insertion = string | number | SafeHtml | undefined | false | readonly Insertion[];

/** Escapes every insertion, for element content and for attribute values in quotes. */
export function html(strings: TemplateStringsArray, ...insertions: readonly Insertion[]): SafeHtml {
  let text = strings[0] ?? '';
  insertions.forEach((insertion, index) => {
    text += render(insertion) + (strings[index + 1] ?? '');
  });
  return fragment(text);
}

/** Text that somebody else wrote (a client's name, a person's, a device's), kept apart so that its direction cannot reorder what is around it. */
export function foreign(text: string): SafeHtml {
  return fragment(`<bdi>${escape(text)}</bdi>`);
}

/** HTML as it is: for the constants of the layout alone. */
export function fragment(text: string): SafeHtml {
  return { [safe]: true, text };
}

function render(insertion: Insertion): string {
  if (insertion === undefined || insertion === false) return '';
  if (typeof insertion === 'string') return escape(insertion);
  if (typeof insertion === 'number') return String(insertion);
  if (safe in insertion) return insertion.text;
  // Whatever else came here is not one of our templates, whatever its type says.
  return Array.isArray(insertion) ? insertion.map(render).join('') : '';
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Controls and direction overrides have no place in a page's text. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => entities[character] ?? character);
}
