/** The login page's two requests, and the one decision: who signs in. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, type Provider } from 'oidc-provider';
import { systemClock } from '../../src/protocol/clock.ts';
import type { IdentityProviderOptions, LoginPage } from './options.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** The login form: GET shows it, POST signs in or cancels. */
export function createInteraction(
  provider: Provider,
  options: IdentityProviderOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      const details = await provider.interactionDetails(request, response);
      if (details.prompt.name === 'consent') {
        // Given for the asking: an application asks so that it gets a refresh token.
        const finished = { consent: details.grantId === undefined ? {} : { grantId: details.grantId } };
        await provider.interactionFinished(request, response, finished, { mergeWithLastSubmission: true });
        return;
      }
      const show = (page: Omit<LoginPage, 'action'>, status = 200): void => {
        sendHtml(response, status, options.renderLogin({ ...page, action: `/interaction/${details.uid}` }));
      };
      if (request.method !== 'POST') {
        show({ login: typeof details.params['login_hint'] === 'string' ? details.params['login_hint'] : '' });
        return;
      }
      const form = new URLSearchParams(await readBody(request));
      if (form.get('action') === 'cancel') {
        await provider.interactionFinished(request, response, {
          error: 'access_denied',
          error_description: 'the sign-in was cancelled',
        });
        return;
      }
      const login = (form.get('login') ?? '').trim();
      const account = options.accountByLogin(login);
      if (account === undefined) {
        show({ login, problem: `There is no account “${login}” here.` }, 400);
        return;
      }
      await forgetOtherAccount(provider, details, account.sub);
      await provider.interactionFinished(request, response, { login: { accountId: account.sub } });
    } catch (error) {
      if (error instanceof errors.OIDCProviderError) {
        sendHtml(
          response,
          400,
          options.renderNotice('This sign-in is over', 'Start again from the application.'),
        );
        return;
      }
      options.onServerError?.(error as Error);
      sendHtml(response, 500, options.renderNotice('Something went wrong', 'The provider failed.'));
    }
  };
}

/** Ends the browser's session of another account. Otherwise oidc-provider signs out by a page that needs JavaScript. */
async function forgetOtherAccount(provider: Provider, details: Interaction, sub: string): Promise<void> {
  const { session } = details;
  if (session === undefined || session.accountId === sub) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  details.session = undefined;
  await details.save(details.exp - Math.floor(systemClock.now() / 1000));
}

function sendHtml(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 10_000) throw new errors.InvalidRequest('the form is too large');
  }
  return body;
}
