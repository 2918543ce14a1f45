/** Pages: an escaping template and one layout. Nothing loaded from anywhere, no JavaScript but where a specification demands it, readable on a phone and by a screen reader. */
import type { Reply } from '../exchange.ts';
import { pageHeaders } from '../headers.ts';
import { pageStyle } from './style.ts';

const safe = Symbol('safe html');
/** HTML that was escaped where it had to be. Made by {@link html} only. */
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

function fragment(text: string): SafeHtml {
  return { [safe]: true, text };
}

function render(insertion: Insertion): string {
  if (insertion === undefined || insertion === false) return '';
  if (typeof insertion === 'string') return escape(insertion);
  if (typeof insertion === 'number') return String(insertion);
  if (safe in insertion) return insertion.text;
  // Whatever else came here is no template of ours, whatever its type says.
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

export interface Page {
  /** Of the document and of its heading. */
  readonly title: string;
  readonly body: SafeHtml;
  /** Default 200. */
  readonly status?: number;
  /** Runs at the end of the page; a constant of the program, for pages that the Matrix specification wants to call an app. Default: nothing runs. */
  readonly script?: string;
  /** See `PagePolicy.forms`. Default `self`. */
  readonly forms?: 'self' | 'anywhere';
  /** Moves the browser on at once, without JavaScript. */
  readonly refreshTo?: string;
  /** More response headers, for instance `set-cookie`. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** In one piece, because the hash in the policy is of exactly this text. */
const styleElement = fragment(`<style>${pageStyle}</style>`);

/** A whole page in the one layout, with the headers that guard it. */
export function page(content: Page): Reply<string> {
  const { title, body, refreshTo, script } = content;
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        ${refreshTo !== undefined && html`<meta http-equiv="refresh" content="0; url=${refreshTo}" /> `}
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        ${script !== undefined && fragment(`<script>${script}</script>`)}
      </body>
    </html> `;
  return {
    status: content.status ?? 200,
    headers: {
      ...pageHeaders({
        style: pageStyle,
        ...(script === undefined ? {} : { script }),
        ...(content.forms === undefined ? {} : { forms: content.forms }),
      }),
      ...content.headers,
    },
    body: document.text,
  };
}
