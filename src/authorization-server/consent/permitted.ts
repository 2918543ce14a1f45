import type { DeviceId } from '../../protocol/identifiers.ts';
import { isOperatorScope, type OperatorScopes, permittedScope } from '../../protocol/operator-scope.ts';
import type { User } from '../../storage/records/users.ts';

/** Whether anything is left that this person can give: a sign-in for scopes of the operator's own alone comes to nothing if they may have none of them. */
export function asksForMore(
  scopes: OperatorScopes,
  user: User,
  asked: { readonly scope: string; readonly device_id: DeviceId | null },
): boolean {
  return (
    asked.device_id !== null || permittedScope(scopes, user, asked.scope.split(' ')).some(isOperatorScope)
  );
}
