import { html, type SafeHtml } from '../../http/pages/html.ts';
import type { Words } from '../../http/pages/words.ts';
import { ADMIN_SCOPE, deviceIdOf, isApiScope, OPENID_SCOPE } from '../../protocol/scope.ts';
import type { User } from '../../storage/records/users.ts';

/** What a scope means to this person, a line for each part. The device stands on the page by itself; who is no administrator cannot give their rights. */
export function scopeText({ say }: Words, scope: string, user: Pick<User, 'is_admin'>): SafeHtml {
  const parts = scope
    .split(' ')
    .filter((token) => deviceIdOf(token) === undefined && (token !== ADMIN_SCOPE || user.is_admin === 1));
  const texts = parts.map((token) => {
    if (isApiScope(token)) return say('scope.api');
    if (token === OPENID_SCOPE) return say('scope.openid');
    return token === ADMIN_SCOPE ? say('scope.admin') : say('scope.other', { name: token });
  });
  return html`${texts.map((text, index) => html`${index > 0 && html`<br />`}${text}`)}`;
}
