/** What the account page shows. Everything that a stranger chose (clients' and devices' names, the person's own) is escaped and isolated. */
import type { Reply } from '../http/exchange.ts';
import { foreign, html, page, type SafeHtml } from '../http/pages/html.ts';
import { userId } from '../protocol/identifiers.ts';
import type { Session } from '../storage/records/sessions.ts';
import type { User } from '../storage/records/users.ts';
import {
  endAllPlace,
  endingPlace,
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
    csrfField: SafeHtml;
  },
): Reply<string> {
  const { user, sessions, olderThan } = shown;
  return page({
    title: 'Your account',
    body: html`${notice(shown.done)}
      <dl>
        <dt>Account</dt>
        <dd>${foreign(userId(user.localpart, at.serverName))}</dd>
        ${
          user.displayname !== null &&
          html`<dt>Name</dt>
            <dd>${foreign(user.displayname)}</dd>`
        }
      </dl>
      ${user.locked_at !== null && html`<p role="alert">Your account is locked. Please ask your administrator.</p>`}
      <h2>Where you are signed in</h2>
      ${
        sessions.length === 0
          ? html`<p>You are not signed in anywhere${olderThan === undefined ? '' : ' else'}.</p>`
          : html`<ul class="choices">
              ${sessions.map((each) => listEntry(at, each))}
            </ul>`
      }
      ${olderThan !== undefined && html`<p><a href="${urlOf(at.issuer, overview({ before: olderThan }))}">Older sessions</a></p>`}
      <div class="actions">
        ${sessions.length > 0 && html`<a class="button" href="${urlOf(at.issuer, endAllPlace)}">Sign out everywhere</a>`}
        <form method="post" action="${urlOf(at.issuer, signOutPlace)}">
          ${shown.csrfField}
          <button class="secondary" type="submit">Leave this page</button>
        </form>
      </div>`,
  });
}

/** One session, with the way to end it. */
export function sessionPage(at: Shared, shown: ShownSession): Reply<string> {
  const { session } = shown;
  return page({
    title: 'Session',
    body: html`${details(shown)}
      <div class="actions">
        <a class="button" href="${urlOf(at.issuer, endingPlace(session.id))}">Sign out</a>
        ${back(at)}
      </div>`,
  });
}

/** Asks before one session is ended. */
export function endSessionPage(at: Shared, shown: ShownSession & { csrfField: SafeHtml }): Reply<string> {
  return page({
    title: 'Sign out this session?',
    body: html`${details(shown)}
      <p>
        The app will be signed out at once, and its device is deleted. Messages that can be read on this
        device alone are lost, unless their keys are backed up.
      </p>
      ${confirmation(at, { ...shown, place: endingPlace(shown.session.id), label: 'Sign out' })}`,
  });
}

/** Asks before all sessions are ended. */
export function endAllPage(at: Shared, shown: { count: number; csrfField: SafeHtml }): Reply<string> {
  return page({
    title: 'Sign out everywhere?',
    body: html`<p>
        ${shown.count === 1 ? 'The one session that you have' : `All ${String(shown.count)} sessions that you have`}
        will end at once, and the devices are deleted. Messages that can be read on these devices alone are
        lost, unless their keys are backed up.
      </p>
      ${confirmation(at, { ...shown, place: endAllPlace, label: 'Sign out everywhere' })}`,
  });
}

/** After leaving. */
export function leftPage(at: Shared): Reply<string> {
  return page({
    title: 'You have left the account page',
    body: html`<p>Your apps stay signed in. You may still be signed in at your identity provider.</p>
      <p><a href="${urlOf(at.issuer, overview())}">Open your account again</a></p>`,
  });
}

function notice(done: string | null): SafeHtml | false {
  if (done === 'ended') return html`<p role="status">The session has ended.</p>`;
  return done === 'all-ended' && html`<p role="status">All your sessions have ended.</p>`;
}

function listEntry(at: Shared, shown: ShownSession): SafeHtml {
  const { session } = shown;
  // The device tells two sessions of one app apart, also for whoever hears the links alone.
  const which = foreign(session.device_id ?? nameOf(shown));
  return html`<li>
    <h3>${foreign(nameOf(shown))}</h3>
    <dl>
      ${device(shown)}
      <dt>Signed in</dt>
      <dd>${time(session.created_at)}</dd>
      <dt>Last active</dt>
      <dd>${time(session.last_active_at)}</dd>
    </dl>
    <a href="${urlOf(at.issuer, sessionPlace(session.id))}">Details of ${which}</a> ·
    <a href="${urlOf(at.issuer, endingPlace(session.id))}">Sign out ${which}</a>
  </li>`;
}

function details(shown: ShownSession): SafeHtml {
  const { session } = shown;
  return html`<dl>
    <dt>App</dt>
    <dd>${foreign(nameOf(shown))}</dd>
    ${device(shown)}
    <dt>Signed in</dt>
    <dd>${time(session.created_at)}</dd>
    <dt>Last active</dt>
    <dd>${time(session.last_active_at)}</dd>
  </dl>`;
}

function confirmation(
  at: Shared,
  form: { place: AccountPlace; label: string; csrfField: SafeHtml },
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
  return html`<a class="button" href="${urlOf(at.issuer, overview())}">Back</a>`;
}

/** Its id; and its name, unless the session is called by that already. */
function device({ session, clientName }: ShownSession): SafeHtml {
  const { device_id: id, device_name: name } = session;
  return html`${
    id !== null &&
    html`<dt>Device</dt>
      <dd>${foreign(id)}</dd>`
  }${
    clientName !== undefined &&
    name !== null &&
    html`<dt>Device name</dt>
      <dd>${foreign(name)}</dd>`
  }`;
}

/** What a session is called: legacy login has no client, but the device may have a name. */
function nameOf({ session, clientName }: ShownSession): string {
  return clientName ?? session.device_name ?? 'A Matrix app';
}

function time(milliseconds: number): SafeHtml {
  const iso = new Date(milliseconds).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}
