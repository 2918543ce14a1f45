/**
 * Against forged forms, three times: the cookie is SameSite=Lax, the form carries a token that only this service can derive from the cookie's
 * secret, and browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { message } from '../texts/message.ts';
import type { ApiRequest } from './exchange.ts';
import { html } from './pages/html.ts';
import type { SafeHtml } from './pages/html.ts';
import { PageRefusal } from './pages/page-refusal.ts';

/** Name of the hidden field. */
const CSRF_FIELD = 'csrf';

export interface Csrf {
  /** The hidden field for a form. `secret`: a cookie's value. `purpose`: what the form does, and to what (`consent:<id>`). */
  field(secret: string, purpose: string): SafeHtml;
  /** Throws a 403 if the POST was not made by that form in that browser. `secret` is `undefined` if the cookie did not come. */
  check(request: Pick<ApiRequest, 'form' | 'headers'>, secret: string | undefined, purpose: string): void;
}

/** `key`: a subkey for this alone. `publicUrl`: only its origin may send forms. */
export function createCsrf(options: { readonly key: Buffer; readonly publicUrl: string }): Csrf {
  const { origin } = new URL(options.publicUrl);
  const tokenOf = (secret: string, purpose: string): Buffer =>
    createHmac('sha256', options.key).update(`${purpose.length}:${purpose}`).update(secret).digest();
  return {
    field: (secret, purpose) =>
      html`<input
        type="hidden"
        name="${CSRF_FIELD}"
        value="${tokenOf(secret, purpose).toString('base64url')}"
      />`,
    check(request, secret, purpose) {
      const { headers } = request;
      const site = headers['sec-fetch-site'];
      if (site !== undefined && site !== 'same-origin' && site !== 'none')
        throw refusal(`the form came from another site (${site})`);
      if (headers.origin !== undefined && headers.origin !== origin)
        throw refusal('the form came from another origin');
      if (secret === undefined || secret === '') throw refusal('the cookie of the form is missing');
      const given = Buffer.from(request.form.get(CSRF_FIELD) ?? '', 'base64url');
      const expected = tokenOf(secret, purpose);
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        throw refusal('the token of the form is missing or wrong');
    },
  };
}

function refusal(reason: string): PageRefusal {
  return new PageRefusal(message('refused.form'), { status: 403, reason });
}
