/** The frame around every page of the demo. */
import { readFileSync } from 'node:fs';
import { html, type SafeHtml } from '../src/http/pages/html.ts';

/** Style sheet of all demo pages, served at `/style.css` by each server. */
export const styleSheet = readFileSync(new URL('./style.css', import.meta.url), 'utf8');

export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0b7a6f" d="M4 30V14a12 12 0 0 1 24 0v16h-7V15a5 5 0 0 0-10 0v15z"/></svg>';

export interface PageParts {
  title: string;
  /** Stands above everything: what this page is, and that it is a demo. */
  badge: string;
  body: SafeHtml;
}

/** A whole page. Needs no JavaScript. */
export function page({ title, badge, body }: PageParts): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header>
          <p class="badge"><strong>Demo</strong> ${badge}</p>
        </header>
        <main id="main" tabindex="-1">${body}</main>
      </body>
    </html> `.text;
}

/**
 * Headers of every demo page. `form-action` is left out, because browsers apply it to the redirects that follow a form too,
 * and those lead to other servers here.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;
