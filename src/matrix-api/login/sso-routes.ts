import type { PageRoute } from '../../http/app.ts';
import { decideSsoConfirmation, showSsoConfirmation } from './sso-confirmation.ts';
import type { SsoDeps } from './sso-deps.ts';
import { beginSso } from './sso-redirect.ts';

/** The pages of a single sign-on, below the public URL. */
export function ssoPages(deps: SsoDeps): PageRoute[] {
  const path = '/sign-in/:id/continue';
  return [
    { method: 'GET', path: '/sign-in/sso', operationId: 'beginSso', handler: beginSso(deps) },
    { method: 'GET', path, operationId: 'showSsoConfirmation', handler: showSsoConfirmation(deps) },
    {
      method: 'POST',
      path,
      operationId: 'decideSsoConfirmation',
      handler: decideSsoConfirmation(deps),
      form: true,
    },
  ];
}
