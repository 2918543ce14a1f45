import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { html } from '../../http/pages/html.ts';
import { page } from '../../http/pages/page.ts';
import { wordsIn } from '../../http/pages/words.ts';
import { message } from '../../texts/message.ts';
import { fallbackScript } from './fallback-script.ts';

/**
 * The login of apps that know none of the flows (client-server API, "Login Fallback"): a page for their web view, which leads through a single
 * sign-on and calls `window.matrixLogin.onLogin` with the answer of the login.
 */
export function getLoginFallback(): OperationHandler<operations, 'getLoginFallback', unknown> {
  return (request) => {
    const words = wordsIn(request.language);
    const { say } = words;
    return page(words, {
      title: message('fallback.title'),
      script: fallbackScript,
      body: html`<noscript><p>${say('fallback.no-script')}</p></noscript>
        <div id="start" hidden>
          <p>${say('fallback.start')}</p>
          <p class="actions"><a class="button primary start" href="">${say('action.continue')}</a></p>
        </div>
        <p id="busy" role="status" hidden>${say('fallback.busy')}</p>
        <p id="done" role="status" hidden>${say('fallback.done')}</p>
        <div id="unheard" role="alert" hidden><p>${say('fallback.unheard')}</p></div>
        <div id="failed" role="alert" hidden>
          <p>${say('fallback.failed')}</p>
          <p class="actions"><a class="button primary start" href="">${say('action.try-again')}</a></p>
        </div>`,
    });
  };
}
