/** The IdP's refresh token of a login, kept sealed while it may be needed. */
import type { Clock, Random } from '../protocol/clock.ts';
import { type InternalUserId, newRecordId } from '../protocol/identifiers.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Sealer } from '../storage/sealed.ts';
import { saveUpstreamGrant } from '../storage/records/upstream-grants.ts';
import type { UpstreamIdentity } from '../upstream/login/login.ts';
import { hasClaimRules, type OperatorScopes } from '../protocol/operator-scope.ts';
import { hasRules, type ProviderAccess } from '../protocol/access-rules.ts';

/** Whether claims are fetched again for people of this provider: there are rules that they could break. */
export function isRechecked(access: ProviderAccess, scopes: OperatorScopes): boolean {
  return access.recheckEvery > 0 && (hasRules(access) || hasClaimRules(scopes));
}

/** Keeps the token in place of an earlier one; without a new one the earlier one stays. */
export async function keepUpstreamGrant(
  deps: { db: Database; clock: Clock; random: Random; sealer: Sealer; operatorScopes: OperatorScopes },
  login: { access: ProviderAccess; providerId: string; identity: UpstreamIdentity; userId: InternalUserId },
): Promise<void> {
  const { access, identity } = login;
  if (identity.refreshToken === undefined || !isRechecked(access, deps.operatorScopes)) return;
  const now = deps.clock.now();
  const link = { issuer: identity.issuer, subject: identity.subject };
  const sealed = sealUpstreamToken(deps, link, identity.refreshToken);
  await deps.db.write((tx) =>
    saveUpstreamGrant(tx, {
      ...link,
      provider_id: login.providerId,
      user_id: login.userId,
      ...sealed,
      granted_at: now,
      next_check_at: nextCheckAt(access, now),
      leased_until: 0,
    }),
  );
}

/** When the claims are fetched again: early enough that a loss takes effect within the configured time. */
export function nextCheckAt({ recheckEvery }: Pick<ProviderAccess, 'recheckEvery'>, now: number): number {
  return now + Math.floor(recheckEvery * 0.8);
}

interface Link {
  readonly issuer: string;
  readonly subject: string;
}

/** The columns of a token: a name of its own, and the ciphertext, which opens for this person alone. */
export function sealUpstreamToken(
  deps: { sealer: Sealer; random: Random; clock: Clock },
  link: Link,
  refreshToken: string,
): { token_id: string; refresh_token_sealed: string } {
  return {
    token_id: newRecordId(deps.clock.now(), deps.random),
    refresh_token_sealed: deps.sealer.seal(refreshToken, sealContext(link)),
  };
}

/** The token; throws if the encryption key is another one. */
export function openUpstreamToken(sealer: Sealer, grant: Link & { refresh_token_sealed: string }): string {
  return sealer.open(grant.refresh_token_sealed, sealContext(grant));
}

function sealContext({ issuer, subject }: Link): string {
  return `upstream_grants:${JSON.stringify([issuer, subject])}`;
}
