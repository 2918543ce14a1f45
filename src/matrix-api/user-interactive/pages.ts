/** What a person sees on the way through user-interactive authentication. */
import type { Reply } from '../../http/exchange.ts';
import { foreign, html, page, type SafeHtml } from '../../http/pages/html.ts';
import { userId } from '../../protocol/identifiers.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { WaitingRequest } from '../../storage/records/user-interactive.ts';
import { readSummary } from './summary.ts';

interface Shared {
  readonly issuer: string;
  readonly serverName: string;
}

/** Says what is about to be done before anybody signs in (client-server API: "confirm with the user"). */
export function confirmPage(
  at: Shared,
  shown: {
    waiting: WaitingRequest;
    session: string;
    csrfField: SafeHtml;
    headers: Readonly<Record<string, string | string[]>>;
  },
): Reply<string> {
  const { waiting, session, csrfField, headers } = shown;
  const { act, things, more } = readSummary(waiting.summary);
  return page({
    title: 'Confirm that it is you',
    // The answer leads to the identity provider.
    forms: 'anywhere',
    headers,
    body: html`<p>An app in which you are signed in wants to ${act}${things.length === 0 ? '.' : ':'}</p>
      ${
        things.length > 0 &&
        html`<ul>
          ${things.map((thing) => html`<li>${foreign(thing)}</li>`)}
        </ul>`
      }
      ${more > 0 && html`<p>and ${more} more.</p>`}
      <dl>
        <dt>Account</dt>
        <dd>${foreign(userId(waiting.localpart, at.serverName))}</dd>
        ${asker(waiting)}
      </dl>
      <p>
        Sign in once more to confirm this. If you did not ask for it, close this page: then nothing happens.
      </p>
      <form method="post" action="${endpointUrl(at.issuer, 'user-interactive')}">
        ${csrfField}
        <input type="hidden" name="session" value="${session}" />
        <div class="actions"><button class="primary" type="submit">Continue</button></div>
      </form>`,
  });
}

/** Somebody else signed in than the one whose session it is. */
export function otherPersonPage(
  at: Shared,
  shown: { waiting: WaitingRequest; signInId: string },
): Reply<string> {
  return page({
    title: 'This is another account',
    status: 403,
    body: html`<p>
        Only ${foreign(userId(shown.waiting.localpart, at.serverName))} can confirm this. You have signed in
        as somebody else at the identity provider.
      </p>
      <p>
        <a href="${endpointUrl(at.issuer, `sign-in/${shown.signInId}?account=another`)}"
          >Use another account</a
        >
      </p>`,
  });
}

/**
 * Tells the app, as the specification has it: the function that an app put into its own view of this page, else a message to the page that opened
 * this one. The message holds nothing, so that any page may have it.
 */
const TELL_THE_APP = `
if (typeof window.onAuthDone === 'function') window.onAuthDone();
else if (window.opener && window.opener.postMessage) window.opener.postMessage('authDone', '*');
`;

/** The end: the app goes on by itself where it can be told. */
export function donePage(): Reply<string> {
  return page({
    title: 'Confirmed',
    script: TELL_THE_APP,
    body: html`<p>Thank you. Go back to your app; you can close this page.</p>`,
  });
}

function asker({ device_id: id, device_name: name }: WaitingRequest): SafeHtml | false {
  if (id === null) return false;
  return html`<dt>Asked for on</dt>
    <dd>${foreign(name === null ? id : `${name} (${id})`)}</dd>`;
}
