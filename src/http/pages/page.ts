/** The one layout of all pages. Nothing loaded from anywhere, no JavaScript unless a specification demands it, readable on a phone and by a screen reader. */
import { plainText } from '../../texts/catalogue.ts';
import type { Message } from '../../texts/message.ts';
import type { Reply } from '../exchange.ts';
import { pageHeaders } from '../headers.ts';
import { fragment, html, type SafeHtml } from './html.ts';
import { pageStyle } from './style.ts';
import type { Words } from './words.ts';

export interface Page {
  /** Of the document and of its heading. */
  readonly title: Message;
  readonly body: SafeHtml;
  /** Default 200. */
  readonly status?: number;
  /** Runs at the end of the page; a constant of the program, for pages that the Matrix specification wants to call an app. Default: nothing runs. */
  readonly script?: string;
  /** See `PagePolicy.images`. */
  readonly images?: 'data';
  /** See `PagePolicy.forms`. Default `self`. */
  readonly forms?: 'self' | 'anywhere';
  /** Moves the browser on at once, without JavaScript. */
  readonly refreshTo?: string;
  /** More response headers, for instance `set-cookie`. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** In one piece, because the hash in the policy is of exactly this text. */
const styleElement = fragment(`<style>${pageStyle}</style>`);

/** A whole page in the one layout and one language, with the headers that guard it. */
export function page(words: Words, content: Page): Reply<string> {
  const { title, body, refreshTo, script } = content;
  const { language } = words;
  const document = html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        ${refreshTo !== undefined && html`<meta http-equiv="refresh" content="0; url=${refreshTo}" /> `}
        <title>${plainText(language, title)}</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <h1>${words.tell(title)}</h1>
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
        ...(content.images === undefined ? {} : { images: content.images }),
        ...(content.forms === undefined ? {} : { forms: content.forms }),
      }),
      'content-language': language,
      ...content.headers,
    },
    body: document.text,
  };
}
