import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { html, page } from '../../http/pages/html.ts';
import { fallbackScript } from './fallback-script.ts';

/**
 * The login of apps that know none of the flows (client-server API, "Login Fallback"): a page for their web view, which leads through a single
 * sign-on and calls `window.matrixLogin.onLogin` with the answer of the login.
 */
export function getLoginFallback(): OperationHandler<operations, 'getLoginFallback', unknown> {
  const reply = page({
    title: 'Sign in',
    script: fallbackScript,
    body: html`<noscript>
        <p>
          This page hands the sign-in over to your app by JavaScript, which is switched off here. Switch it
          on, or sign in another way in your app.
        </p>
      </noscript>
      <div id="start" hidden>
        <p>Your app sent you here to sign in to Matrix.</p>
        <p class="actions"><a class="button primary start" href="">Continue</a></p>
      </div>
      <p id="busy" role="status" hidden>Signing in…</p>
      <p id="done" role="status" hidden>You are signed in. You can return to your app.</p>
      <div id="unheard" role="alert" hidden>
        <p>
          You were not signed in: no app is waiting for it. This page is for apps that show it themselves, not
          for browsers.
        </p>
      </div>
      <div id="failed" role="alert" hidden>
        <p>You could not be signed in. Perhaps it took too long: please try again.</p>
        <p class="actions"><a class="button primary start" href="">Try again</a></p>
      </div>`,
  });
  return () => reply;
}
