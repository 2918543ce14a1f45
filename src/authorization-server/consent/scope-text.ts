import { html, type SafeHtml } from '../../http/pages/html.ts';
import type { Words } from '../../http/pages/words.ts';
import { ADMIN_SCOPE, deviceIdOf, isApiScope, OPENID_SCOPE } from '../../protocol/scope.ts';

/** What a scope means to a person, a line for each part; the device stands on the page by itself. */
export function scopeText({ say }: Words, scope: string): SafeHtml {
  const parts = scope.split(' ').filter((token) => deviceIdOf(token) === undefined);
  const texts = parts.map((token) => {
    if (isApiScope(token)) return say('scope.api');
    if (token === OPENID_SCOPE) return say('scope.openid');
    return token === ADMIN_SCOPE ? say('scope.admin') : say('scope.other', { name: token });
  });
  return html`${texts.map((text, index) => html`${index > 0 && html`<br />`}${text}`)}`;
}
