import type { Reply } from '../../http/exchange.ts';
import { foreign, html, page, type SafeHtml } from '../../http/pages/html.ts';
import { userId } from '../../protocol/identifiers.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { SignIn } from '../../storage/records/sign-ins.ts';
import type { User } from '../../storage/records/users.ts';

/**
 * Names where the token goes and whose it is: the client is known by nothing else. `form-action` is left out of the policy, as it would block the
 * redirect to the app.
 */
export function confirmationPage(
  deps: { issuer: string; serverName: string },
  input: {
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
  const { signIn, redirectUrl, user, action, csrfField } = input;
  const place = returnPlace(redirectUrl);
  const form = (decision: string, label: string, kind: string): SafeHtml =>
    html`<form method="post" action="${action}">
      ${csrfField}
      <input type="hidden" name="decision" value="${decision}" />
      <button class="${kind}" type="submit">${label}</button>
    </form>`;
  return page({
    title: `Continue to ${place}?`,
    forms: 'anywhere',
    body: html`<p>You are about to be signed in there.</p>
      <dl>
        <dt>You will return to</dt>
        <dd>${foreign(place)}</dd>
        <dt>Account</dt>
        <dd>
          ${foreign(userId(user.localpart, deps.serverName))}${user.displayname !== null && html` (${foreign(user.displayname)})`}
        </dd>
      </dl>
      ${
        isUnprotected(redirectUrl) &&
        html`<p role="alert">
          <strong>Careful:</strong> the way there is not encrypted. Whoever is on the same network could sign
          in as you.
        </p>`
      }
      ${
        input.isCrowded &&
        html`<p role="alert">
          You are signed in in as many places as you may be. Sign out somewhere in
          <a href="${endpointUrl(deps.issuer, 'account')}">your account</a> first, or it will not work, unless
          you are signing in again where you are signed in already.
        </p>`
      }
      <p>
        The app there will be able to read and send messages as you. Continue only if you have just begun to
        sign in with it yourself.
      </p>
      <div class="actions">
        ${form('continue', 'Continue', 'primary')} ${form('cancel', 'Cancel', 'secondary')}
      </div>
      <p>
        <a href="${endpointUrl(deps.issuer, `sign-in/${signIn.id}?account=another`)}">Use another account</a>
      </p>`,
  });
}

/** After a no: nobody is told, as the flow of the specification has no word for it. */
export function refusedPage(redirectUrl: string, headers: Readonly<Record<string, string>>): Reply<string> {
  return page({
    title: 'You were not signed in',
    headers,
    body: html`<p>Nothing was sent to ${foreign(returnPlace(redirectUrl))}. You can close this page.</p>`,
  });
}

/** Where the browser goes next, as a person can judge it: a host, this computer, or an app's own scheme. */
export function returnPlace(redirectUrl: string): string {
  const url = new URL(redirectUrl);
  if (url.protocol === 'https:') return url.host;
  if (isUnprotected(redirectUrl)) return `http://${url.host}`;
  return url.protocol === 'http:' ? 'an app on this computer' : `the app behind ${url.protocol}`;
}

function isUnprotected(redirectUrl: string): boolean {
  const { protocol, hostname } = new URL(redirectUrl);
  const isLoopback = /^(?:localhost|(?:.+\.)localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return protocol === 'http:' && !isLoopback;
}
