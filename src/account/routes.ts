/**
 * The account page: somebody signs in through the IdP, sees where they are signed in, and signs out what they do not want any more. Owns its cookie
 * session; sessions belong to `sessions/`, the way through the IdP to `sign-in/`.
 */
import type { PageRoute } from '../http/app.ts';
import type { AccountDeps } from './deps.ts';
import { resetKeys, showKeyReset } from './key-reset.ts';
import {
  endAllSessions,
  endOwnSession,
  leaveAccount,
  showAccount,
  showEndAll,
  showSession,
} from './sessions.ts';
import { welcome } from './visit.ts';

/** The pages below `/account`. */
export function accountPages(deps: AccountDeps): PageRoute[] {
  const get = (path: string, operationId: string, handler: PageRoute['handler']): PageRoute => ({
    method: 'GET',
    path,
    operationId,
    handler,
  });
  const post = (path: string, operationId: string, handler: PageRoute['handler']): PageRoute => ({
    method: 'POST',
    path,
    operationId,
    handler,
    form: true,
  });
  return [
    get('/account', 'showAccount', showAccount(deps)),
    get('/account/welcome/:id', 'welcomeToAccount', welcome(deps)),
    get('/account/sessions/end-all', 'showEndAll', showEndAll(deps)),
    post('/account/sessions/end-all', 'endAllSessions', endAllSessions(deps)),
    get('/account/sessions/:id', 'showSession', showSession(deps, 'view')),
    get('/account/sessions/:id/end', 'showSessionEnding', showSession(deps, 'end')),
    post('/account/sessions/:id/end', 'endOwnSession', endOwnSession(deps)),
    get('/account/cross-signing-reset', 'showKeyReset', showKeyReset(deps)),
    post('/account/cross-signing-reset', 'resetKeys', resetKeys(deps)),
    post('/account/sign-out', 'leaveAccount', leaveAccount(deps)),
  ];
}
