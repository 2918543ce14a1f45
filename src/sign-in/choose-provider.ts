import type { Reply } from '../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import type { Words } from '../http/pages/words.ts';
import { message } from '../texts/message.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import type { SignIn } from '../storage/records/sign-ins.ts';
import type { Provider } from '../upstream/provider.ts';
import type { SignInDeps } from './deps.ts';

/** The provider with this id; the only one if there is no choice; `undefined` if the person has to choose. */
export function chosenProvider(
  deps: Pick<SignInDeps, 'providers'>,
  id: string | null | undefined,
): Provider | undefined {
  if (deps.providers.length === 1) return deps.providers[0];
  return deps.providers.find((provider) => provider.id === id);
}

/** A choice between providers. */
export function chooserPage(
  deps: Pick<SignInDeps, 'issuer' | 'providers' | 'providerRules'>,
  words: Words,
  signIn: SignIn,
): Reply<string> {
  return page(words, {
    title: message('sign-in.choose.title'),
    images: 'data',
    body: providerLinks(deps, signIn, deps.providers),
  });
}

/** Links, not forms: a form's `form-action` would have to name every provider. The mark is the operator's picture, else the initial of the brand; nothing is loaded for it. */
export function providerLinks(
  { issuer, providerRules }: Pick<SignInDeps, 'issuer' | 'providerRules'>,
  signIn: SignIn,
  providers: readonly Provider[],
): SafeHtml {
  return html`<ul class="choices">
    ${providers.map(({ id }) => {
      const { name = id, brand = name, icon } = providerRules.get(id) ?? {};
      const mark =
        icon === undefined
          ? html`<span class="mark" aria-hidden="true">${Array.from(brand)[0]?.toUpperCase()}</span>`
          : html`<img class="icon" alt="" width="32" height="32" src="${icon}" />`;
      const url = endpointUrl(issuer, `sign-in/${signIn.id}?provider=${id}`);
      return html`<li class="provider">${mark}<a href="${url}">${foreign(name)}</a></li>`;
    })}
  </ul>`;
}
