/** What a person sees on the way through user-interactive authentication. */
import type { Reply } from '../../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../../http/pages/html.ts';
import { page } from '../../http/pages/page.ts';
import { accountEntry, linkLine } from '../../http/pages/parts.ts';
import type { Words } from '../../http/pages/words.ts';
import { userId } from '../../protocol/identifiers.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { WaitingRequest, WhatIsAsked } from '../../storage/records/user-interactive.ts';
import { message } from '../../texts/message.ts';
import { readSummary } from './summary.ts';

interface Shared {
  readonly issuer: string;
  readonly serverName: string;
}

/** Says what is about to be done before anybody signs in (client-server API: "confirm with the user"). */
export function confirmPage(
  at: Shared,
  words: Words,
  shown: {
    waiting: WaitingRequest;
    session: string;
    csrfField: SafeHtml;
    headers: Readonly<Record<string, string | string[]>>;
  },
): Reply<string> {
  const { waiting, session, csrfField, headers } = shown;
  const { say } = words;
  const { localpart } = waiting;
  return page(words, {
    title: message('prove.title'),
    // The answer leads to the identity provider.
    forms: 'anywhere',
    headers,
    body: html`${whatIsDone(words, readSummary(waiting.summary_json))}
      <dl>
        ${accountEntry(words, { localpart, serverName: at.serverName, displayname: null })}
        ${asker(words, waiting)}
      </dl>
      <p>${say('prove.means')}</p>
      <form method="post" action="${endpointUrl(at.issuer, 'user-interactive')}">
        ${csrfField}
        <input type="hidden" name="session" value="${session}" />
        <div class="actions"><button class="primary" type="submit">${say('action.continue')}</button></div>
      </form>`,
  });
}

function whatIsDone({ say }: Words, { devices, more }: WhatIsAsked): SafeHtml {
  const count = devices.length + more;
  if (count === 0) return html`<p>${say('prove.sign-out-nothing')}</p>`;
  return html`<p>${say('prove.sign-out-devices', { count })}</p>
    <ul>
      ${devices.map((device) => html`<li>${deviceText(say, device)}</li>`)}
    </ul>
    ${more > 0 && html`<p>${say('prove.more', { count: more })}</p>`}`;
}

function deviceText(say: Words['say'], { id, name }: { id: string; name: string | null }): SafeHtml {
  return name === null ? foreign(id) : say('word.named', { name, more: id });
}

/** Somebody else signed in than the one whose session it is. */
export function otherPersonPage(
  at: Shared,
  words: Words,
  shown: { waiting: WaitingRequest; signInId: string },
): Reply<string> {
  const { say } = words;
  const again = endpointUrl(at.issuer, `sign-in/${shown.signInId}?account=another`);
  return page(words, {
    title: message('prove.other.title'),
    status: 403,
    body: html`<p>${say('prove.other', { user: userId(shown.waiting.localpart, at.serverName) })}</p>
      ${linkLine(again, say('action.another-account'))}`,
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

/** The end: the app goes on by itself if it can be told. */
export function donePage(words: Words): Reply<string> {
  return page(words, {
    title: message('prove.done.title'),
    script: TELL_THE_APP,
    body: html`<p>${words.say('prove.done')}</p>`,
  });
}

function asker({ say }: Words, { device_id: id, device_name: name }: WaitingRequest): SafeHtml | false {
  if (id === null) return false;
  return html`<dt>${say('prove.asked-on')}</dt>
    <dd>${deviceText(say, { id, name })}</dd>`;
}
