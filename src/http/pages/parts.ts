/** Parts that several pages have in common. */
import { userId } from '../../protocol/identifiers.ts';
import { foreign, html, type SafeHtml } from './html.ts';
import { returnPlace } from './return-place.ts';
import type { Words } from './words.ts';

/** What somebody has to know before they go on; read out at once by a screen reader. */
export function warning({ say }: Words, text: SafeHtml): SafeHtml {
  return html`<p role="alert"><strong>${say('word.careful')}</strong> ${text}</p>`;
}

/** Whose account it is: an entry of a description list. */
export function accountEntry(
  { say }: Words,
  account: { readonly localpart: string; readonly serverName: string; readonly displayname: string | null },
): SafeHtml {
  const id = userId(account.localpart, account.serverName);
  const { displayname } = account;
  return html`<dt>${say('word.account')}</dt>
    <dd>${displayname === null ? foreign(id) : say('word.named', { name: id, more: displayname })}</dd>`;
}

/** One button that says something about a stored question; the CSRF field binds it to the browser. */
export function decisionForm(form: {
  /** Where it goes. */
  readonly action: string;
  readonly csrfField: SafeHtml;
  readonly decision: string;
  readonly label: SafeHtml;
  readonly kind: 'primary' | 'secondary' | 'danger';
  /** Further fields, above the button. */
  readonly fields?: SafeHtml | undefined;
}): SafeHtml {
  return html`<form method="post" action="${form.action}">
    ${form.csrfField}
    <input type="hidden" name="decision" value="${form.decision}" />
    ${form.fields}
    <button class="${form.kind}" type="submit">${form.label}</button>
  </form>`;
}

/** A link on a line of its own. */
export function linkLine(url: string, label: SafeHtml): SafeHtml {
  return html`<p><a href="${url}">${label}</a></p>`;
}

/** Where the browser goes next. */
export function placeText({ tell }: Words, url: string): SafeHtml {
  const place = returnPlace(url);
  return typeof place === 'string' ? foreign(place) : tell(place);
}
