/** Which scopes of the operator's own a person may have, by the claims that were just seen: as with administrators, who loses one loses it in every session at once. */
import type { Kysely } from 'kysely';
import type { Claims } from '../protocol/claim-path.ts';
import {
  isOperatorScope,
  type OperatorScopes,
  permittedScope,
  scopesByClaims,
} from '../protocol/operator-scope.ts';
import { isApiScope } from '../protocol/scope.ts';
import { type EndedSession, endSessionIn, type SessionEndingDeps } from '../sessions/end.ts';
import { setClaimedScopes } from '../storage/records/people.ts';
import { dropScopeToken, listScopesOfUser } from '../storage/records/session-list.ts';
import type { Schema } from '../storage/schema.ts';
import type { User } from '../storage/records/users.ts';

/**
 * Keeps what the claims give, and takes from the person's sessions what they give no longer. A session that is for scopes of the operator's own, and has none left, ends:
 * `concludeEnding` follows the commit. `isComplete`: the claims are all that the provider tells, so that an absent one says something.
 */
export async function keepClaimedScopes(
  tx: Kysely<Schema>,
  deps: SessionEndingDeps & { readonly operatorScopes: OperatorScopes },
  seen: { readonly user: User; readonly claims: Claims; readonly isComplete: boolean },
): Promise<{ readonly user: User; readonly ended: readonly EndedSession[] }> {
  const { user, claims, isComplete } = seen;
  const { operatorScopes } = deps;
  const claimed = scopesByClaims(
    operatorScopes,
    { claims, localpart: user.localpart },
    {
      claimed: user.claimed_scopes,
      isComplete,
    },
  );
  if (claimed === user.claimed_scopes) return { user, ended: [] };
  await setClaimedScopes(tx, { id: user.id, scopes: claimed });
  const holder = { ...user, claimed_scopes: claimed };
  const lost = [...operatorScopes.keys()].filter(
    (name) => permittedScope(operatorScopes, holder, [name]).length === 0,
  );
  return { user: holder, ended: await takeScopes(tx, deps, { user, lost }) };
}

async function takeScopes(
  tx: Kysely<Schema>,
  deps: SessionEndingDeps,
  { user, lost }: { user: User; lost: readonly string[] },
): Promise<EndedSession[]> {
  const before = await listScopesOfUser(tx, user.id);
  const affected = before.filter(({ scope }) => scope.split(' ').some((token) => lost.includes(token)));
  if (affected.length === 0) return [];
  for (const token of lost) await dropScopeToken(tx, { userId: user.id, token });
  const ended: EndedSession[] = [];
  for (const { id, scope } of affected) {
    const left = scope.split(' ').filter((token) => !lost.includes(token));
    if (left.some((token) => isApiScope(token) || isOperatorScope(token))) continue;
    const session = await endSessionIn(tx, deps, {
      sessionId: id,
      reason: 'access_rules',
      now: deps.clock.now(),
    });
    if (session !== undefined) ended.push(session);
  }
  return ended;
}
