import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { noStore } from '../http/exchange.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { message } from '../texts/message.ts';
import type { SignInDeps } from './deps.ts';
import { callbackUrl } from './go-to-idp.ts';

/** What the callback uses, and what the query mode would have in the URL too. An ID token or a name that came along stays out of it. */
const members = ['state', 'code', 'iss', 'error', 'error_description'] as const;

/**
 * Where an IdP has the browser post its answer (OAuth 2.0 Form Post Response Mode). The post comes from another site, so cookies that are
 * `SameSite=Lax` stay behind; the GET that the answer leads to has them, and is judged as in the query mode. Nothing is decided or kept here.
 */
export function receivePostedCallback(
  deps: Pick<SignInDeps, 'providers' | 'issuer'>,
): OperationHandler<operations, 'receivePostedCallback', unknown> {
  return (request) => {
    const provider = deps.providers.find((candidate) => candidate.id === request.params['provider']);
    if (provider?.responseMode !== 'form_post') throw new PageRefusal(message('sign-in.unknown'));
    const url = new URL(callbackUrl(deps.issuer, provider.id));
    for (const name of members) {
      const value = request.form.get(name);
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return { status: 303, headers: { ...noStore, location: url.href } };
  };
}
