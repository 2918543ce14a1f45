/**
 * Replacing the keys by which a person's devices are trusted (cross-signing): the homeserver wants to know that the person means it, and there is no
 * password to ask for. A recent sign-in and a question do instead; then a window is open at the homeserver in which an app can upload other keys.
 */
import { type Handler, noStore, type Reply } from '../http/exchange.ts';
import { html } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { wordsIn } from '../http/pages/words.ts';
import { allowKeyReset } from '../people/key-reset.ts';
import { message } from '../texts/message.ts';
import type { AccountDeps } from './deps.ts';
import { keyResetPlace, overview, urlOf } from './place.ts';
import { findVisit, signInFor, type Visit, visitSecrets } from './visit.ts';

const PURPOSE = 'account:cross-signing-reset';

/** `GET /account/cross-signing-reset`: the question, after a recent sign-in. */
export function showKeyReset(deps: AccountDeps): Handler {
  return async (request) => {
    requireHomeserver(deps);
    const visit = await findVisit(deps, request);
    if (visit?.isRecent !== true) return signInFor(deps, request, { place: keyResetPlace, recent: true });
    requireUnlocked(visit);
    const { say } = wordsIn(request.language);
    return page(wordsIn(request.language), {
      title: message('account.key-reset.title'),
      body: html`<p>${say('account.key-reset.means')}</p>
        <p>${say('account.key-reset.warning')}</p>
        <div class="actions">
          <form method="post" action="${urlOf(deps.issuer, keyResetPlace)}">
            ${deps.csrf.field(visit.secret, PURPOSE)}
            <button class="danger" type="submit">${say('account.key-reset')}</button>
          </form>
          <a class="button" href="${urlOf(deps.issuer, overview())}">${say('action.back')}</a>
        </div>`,
    });
  };
}

/** `POST /account/cross-signing-reset`. */
export function resetKeys(deps: AccountDeps): Handler {
  return async (request) => {
    requireHomeserver(deps);
    const visit = await findVisit(deps, request);
    deps.csrf.check(request, visit?.secret ?? visitSecrets(deps.issuer, request)[0], PURPOSE);
    if (visit?.isRecent !== true) return goToQuestion(deps);
    requireUnlocked(visit);
    await allowKeyReset(deps, visit.user);
    const { say } = wordsIn(request.language);
    return page(wordsIn(request.language), {
      title: message('account.key-reset.done.title'),
      body: html`<p role="status">${say('account.key-reset.done')}</p>
        <p><a href="${urlOf(deps.issuer, overview())}">${say('account.back-to-list')}</a></p>`,
    });
  };
}

/** Without a homeserver that is told of it, there is nothing to open. */
function requireHomeserver({ homeserver, issuer }: AccountDeps): void {
  if (homeserver.listens) return;
  const wayOn = { url: urlOf(issuer, overview()), label: message('account.back-to-list') };
  throw new PageRefusal(message('account.unknown-action'), { status: 404, wayOn });
}

function requireUnlocked({ user }: Visit): void {
  if (user.locked_at !== null) throw new PageRefusal(message('account.locked'), { status: 403 });
}

function goToQuestion({ issuer }: AccountDeps): Reply {
  return { status: 303, headers: { ...noStore, location: urlOf(issuer, keyResetPlace) } };
}
