import type { Reply } from '../../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../../http/pages/html.ts';
import { page } from '../../http/pages/page.ts';
import { accountEntry, decisionForm, linkLine, placeText, warning } from '../../http/pages/parts.ts';
import { isUnprotected, returnPlace } from '../../http/pages/return-place.ts';
import type { Words } from '../../http/pages/words.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { SignIn } from '../../storage/records/sign-ins.ts';
import type { User } from '../../storage/records/users.ts';
import { message } from '../../texts/message.ts';

/**
 * Names where the token goes and whose it is: the client is known by nothing else. `form-action` is left out of the policy, as it would block the
 * redirect to the app.
 */
export function confirmationPage(
  deps: { issuer: string; serverName: string },
  input: {
    readonly words: Words;
    readonly signIn: SignIn;
    readonly redirectUrl: string;
    readonly user: User;
    /** The person has as many sessions as they may have. */
    readonly isCrowded: boolean;
    /** Where the form goes. */
    readonly action: string;
    readonly csrfField: SafeHtml;
  },
): Reply<string> {
  const { words, signIn, redirectUrl, user, action, csrfField } = input;
  const { say } = words;
  const place = returnPlace(redirectUrl);
  const form = { action, csrfField };
  const account = html`<a href="${endpointUrl(deps.issuer, 'account')}">${say('sso.your-account')}</a>`;
  return page(words, {
    title: message('sso.title', { place }),
    forms: 'anywhere',
    body: html`<p>${say('sso.about')}</p>
      <dl>
        <dt>${say('consent.return')}</dt>
        <dd>${placeText(words, redirectUrl)}<br /><code>${foreign(redirectUrl)}</code></dd>
        ${accountEntry(words, { ...user, serverName: deps.serverName })}
      </dl>
      ${isUnprotected(redirectUrl) && warning(words, say('sso.unprotected'))}
      ${input.isCrowded && html`<p role="alert">${say('sso.crowded', { account })}</p>`}
      <p>${say('sso.means')}</p>
      <div class="actions">
        ${decisionForm({ ...form, decision: 'continue', label: say('action.continue'), kind: 'primary' })}
        ${decisionForm({ ...form, decision: 'cancel', label: say('action.cancel'), kind: 'secondary' })}
      </div>
      ${linkLine(endpointUrl(deps.issuer, `sign-in/${signIn.id}?account=another`), say('action.another-account'))}`,
  });
}

/** After a no: nobody is told, as the flow of the specification has no word for it. */
export function refusedPage(
  words: Words,
  redirectUrl: string,
  headers: Readonly<Record<string, string>>,
): Reply<string> {
  return page(words, {
    title: message('sso.refused.title'),
    headers,
    body: html`<p>${words.say('sso.refused', { place: returnPlace(redirectUrl) })}</p>`,
  });
}
