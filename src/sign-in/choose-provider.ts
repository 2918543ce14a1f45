import type { Reply } from '../http/exchange.ts';
import { foreign, html } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import type { Words } from '../http/pages/words.ts';
import { message } from '../texts/message.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import type { SignIn } from '../storage/records/sign-ins.ts';
import type { Provider } from '../upstream/provider.ts';
import type { SignInDeps } from './deps.ts';

/** The provider with this id; the only one where there is no choice; `undefined` where the person has to choose. */
export function chosenProvider(
  deps: Pick<SignInDeps, 'providers'>,
  id: string | null | undefined,
): Provider | undefined {
  if (deps.providers.length === 1) return deps.providers[0];
  return deps.providers.find((provider) => provider.id === id);
}

/** Links, not forms: a form's `form-action` would have to name every provider. */
export function chooserPage(
  deps: Pick<SignInDeps, 'issuer' | 'providers' | 'providerRules'>,
  words: Words,
  signIn: SignIn,
): Reply<string> {
  return page(words, {
    title: message('sign-in.choose.title'),
    body: html`<ul class="choices">
      ${deps.providers.map(
        ({ id }) =>
          html`<li>
            <a href="${endpointUrl(deps.issuer, `sign-in/${signIn.id}?provider=${id}`)}"
              >${foreign(deps.providerRules.get(id)?.name ?? id)}</a
            >
          </li>`,
      )}
    </ul>`,
  });
}
