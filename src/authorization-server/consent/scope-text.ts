import { foreign, html, type SafeHtml } from '../../http/pages/html.ts';
import type { Words } from '../../http/pages/words.ts';
import { type OperatorScopes, permittedScope } from '../../protocol/operator-scope.ts';
import { ADMIN_SCOPE, deviceIdOf, isApiScope, OPENID_SCOPE } from '../../protocol/scope.ts';
import type { User } from '../../storage/records/users.ts';

/** What a scope means to this person, a line for each part that they can give. The device stands on the page by itself. */
export function scopeText(
  { say }: Words,
  scopes: OperatorScopes,
  asked: { readonly scope: string; readonly user: User },
): SafeHtml {
  const parts = permittedScope(scopes, asked.user, asked.scope.split(' ')).filter(
    (token) => deviceIdOf(token) === undefined && (token !== ADMIN_SCOPE || asked.user.is_admin === 1),
  );
  const texts = parts.map((token) => {
    if (isApiScope(token)) return say('scope.api');
    if (token === OPENID_SCOPE) return say('scope.openid');
    if (token === ADMIN_SCOPE) return say('scope.admin');
    const description = scopes.get(token)?.description;
    return description === undefined ? say('scope.other', { name: token }) : foreign(description);
  });
  return html`${texts.map((text, index) => html`${index > 0 && html`<br />`}${text}`)}`;
}
