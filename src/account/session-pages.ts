/** What the account page shows. Everything that a stranger chose (clients' and devices' names, the person's own) is escaped and isolated. */
import type { Reply } from '../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import { accountEntry, linkLine } from '../http/pages/parts.ts';
import type { Words } from '../http/pages/words.ts';
import { message } from '../texts/message.ts';
import type { Session } from '../storage/records/sessions.ts';
import type { User } from '../storage/records/users.ts';
import {
  endAllPlace,
  endingPlace,
  keyResetPlace,
  overview,
  type AccountPlace,
  sessionPlace,
  signOutPlace,
  urlOf,
} from './place.ts';

/** A session and what its client is called. */
export interface ShownSession {
  readonly session: Session;
  readonly clientName: string | undefined;
}

interface Shared {
  readonly issuer: string;
  readonly serverName: string;
  readonly words: Words;
}

/** Profile and sessions. */
export function overviewPage(
  at: Shared,
  shown: {
    user: User;
    sessions: readonly ShownSession[];
    /** Id from which on older sessions follow. */
    olderThan: string | undefined;
    /** What has just been done, if something was. */
    done: string | null;
    /** Whether keys can be replaced from here. */
    keyReset: boolean;
    csrfField: SafeHtml;
  },
): Reply<string> {
  const { user, sessions, olderThan } = shown;
  const { words } = at;
  const { say } = words;
  return page(words, {
    title: message('account.title'),
    body: html`${notice(at, shown.done)}
      <dl>
        ${accountEntry(words, { ...user, serverName: at.serverName, displayname: null })}
        ${
          user.displayname !== null &&
          html`<dt>${say('word.name')}</dt>
            <dd>${foreign(user.displayname)}</dd>`
        }
      </dl>
      ${user.locked_at !== null && html`<p role="alert">${say('account.locked')}</p>`}
      <h2>${say('account.sessions')}</h2>
      ${
        sessions.length === 0
          ? html`<p>${say(olderThan === undefined ? 'account.nowhere' : 'account.nowhere-else')}</p>`
          : html`<ul class="choices">
              ${sessions.map((each) => listEntry(at, each))}
            </ul>`
      }
      ${
        olderThan !== undefined &&
        linkLine(urlOf(at.issuer, overview({ before: olderThan })), say('account.older'))
      }
      <div class="actions">
        ${
          sessions.length > 0 &&
          html`<a class="button" href="${urlOf(at.issuer, endAllPlace)}">${say('account.end-all')}</a>`
        }
        <form method="post" action="${urlOf(at.issuer, signOutPlace)}">
          ${shown.csrfField}
          <button class="secondary" type="submit">${say('account.leave')}</button>
        </form>
      </div>
      <p class="soft">${say('account.leave.means')}</p>
      ${shown.keyReset && linkLine(urlOf(at.issuer, keyResetPlace), say('account.key-reset'))}`,
  });
}

/** One session, with the way to end it. */
export function sessionPage(at: Shared, shown: ShownSession): Reply<string> {
  const { session } = shown;
  return page(at.words, {
    title: message('account.session.title'),
    body: html`${details(at, shown)}
      <div class="actions">
        <a class="button" href="${urlOf(at.issuer, endingPlace(session.id))}"
          >${at.words.say('account.end')}</a
        >
        ${back(at)}
      </div>`,
  });
}

/** Asks before one session is ended. */
export function endSessionPage(at: Shared, shown: ShownSession & { csrfField: SafeHtml }): Reply<string> {
  const { say } = at.words;
  return page(at.words, {
    title: message('account.end.title'),
    body: html`${details(at, shown)}
      <p>${say('account.end.means')}</p>
      ${confirmation(at, { ...shown, place: endingPlace(shown.session.id), label: say('account.end') })}`,
  });
}

/** Asks before all sessions are ended. */
export function endAllPage(at: Shared, shown: { count: number; csrfField: SafeHtml }): Reply<string> {
  const { say } = at.words;
  return page(at.words, {
    title: message('account.end-all.title'),
    body: html`<p>${say('account.end-all.means', { count: shown.count })}</p>
      ${confirmation(at, { ...shown, place: endAllPlace, label: say('account.end-all') })}`,
  });
}

/** After leaving. */
export function leftPage(at: Shared): Reply<string> {
  const { say } = at.words;
  return page(at.words, {
    title: message('account.left.title'),
    body: html`<p>${say('account.left')}</p>
      ${linkLine(urlOf(at.issuer, overview()), say('account.open-again'))}`,
  });
}

function notice({ words: { say } }: Shared, done: string | null): SafeHtml | false {
  if (done === 'ended') return html`<p role="status">${say('account.ended')}</p>`;
  if (done === 'unknown-action') return html`<p role="status">${say('account.unknown-action')}</p>`;
  return done === 'all-ended' && html`<p role="status">${say('account.all-ended')}</p>`;
}

function listEntry(at: Shared, shown: ShownSession): SafeHtml {
  const { session } = shown;
  const { say } = at.words;
  const { id } = session;
  // The device tells two sessions of one app apart, also for whoever hears the links alone.
  const device = session.device_id ?? nameOf(at, shown);
  return html`<li>
    <h3>${nameOf(at, shown)}</h3>
    <dl>${deviceEntries(at, shown)} ${times(at, shown)}</dl>
    <a href="${urlOf(at.issuer, sessionPlace(id))}">${say('account.session.details', { device })}</a> ·
    <a href="${urlOf(at.issuer, endingPlace(id))}">${say('account.session.end', { device })}</a>
  </li>`;
}

function details(at: Shared, shown: ShownSession): SafeHtml {
  return html`<dl>
    <dt>${at.words.say('word.app')}</dt>
    <dd>${nameOf(at, shown)}</dd>
    ${deviceEntries(at, shown)} ${times(at, shown)}
  </dl>`;
}

function times(at: Shared, { session }: ShownSession): SafeHtml {
  const { say } = at.words;
  return html`<dt>${say('account.session.signed-in')}</dt>
    <dd>${time(at, session.created_at)}</dd>
    <dt>${say('account.session.last-active')}</dt>
    <dd>${time(at, session.last_active_at)}</dd>`;
}

function confirmation(
  at: Shared,
  form: { place: AccountPlace; label: SafeHtml; csrfField: SafeHtml },
): SafeHtml {
  return html`<div class="actions">
    <form method="post" action="${urlOf(at.issuer, form.place)}">
      ${form.csrfField}
      <button class="danger" type="submit">${form.label}</button>
    </form>
    ${back(at)}
  </div>`;
}

function back(at: Shared): SafeHtml {
  return html`<a class="button" href="${urlOf(at.issuer, overview())}">${at.words.say('action.back')}</a>`;
}

/** Its id; and its name, unless the session is called by that already. */
function deviceEntries({ words: { say } }: Shared, { session, clientName }: ShownSession): SafeHtml {
  const { device_id: id, device_name: name } = session;
  return html`${
    id !== null &&
    html`<dt>${say('word.device')}</dt>
      <dd>${foreign(id)}</dd>`
  }${
    clientName !== undefined &&
    name !== null &&
    html`<dt>${say('account.session.device-name')}</dt>
      <dd>${foreign(name)}</dd>`
  }`;
}

/** What a session is called: legacy login has no client, but the device may have a name. */
function nameOf({ words: { say } }: Shared, { session, clientName }: ShownSession): SafeHtml {
  const name = clientName ?? session.device_name;
  return name === null ? say('word.matrix-app') : foreign(name);
}

function time({ words: { say } }: Shared, milliseconds: number): SafeHtml {
  const iso = new Date(milliseconds).toISOString();
  return html`<time datetime="${iso}"
    >${say('word.utc', { time: iso.slice(0, 16).replace('T', ' ') })}</time
  >`;
}
