/**
 * Claims had again while sessions live (only positive evidence ends sessions): only claims that came and no longer satisfy the rules end sessions. An outage, an error, an
 * expired or revoked token of the IdP ends nothing.
 */
import { ADMIN_SCOPE } from '../protocol/scope.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { setUserAdmin } from '../storage/records/people.ts';
import { countLiveSessions, dropScopeToken } from '../storage/records/session-list.ts';
import {
  deleteUpstreamGrant,
  leaseUpstreamGrant,
  listDueUpstreamGrants,
  postponeUpstreamGrant,
  replaceUpstreamToken,
  type UpstreamGrant,
} from '../storage/records/upstream-grants.ts';
import { findUser } from '../storage/records/users.ts';
import type { Provider } from '../upstream/provider.ts';
import type { RefreshedIdentity } from '../upstream/login/refresh-identity.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';
import { isPointedTo } from '../protocol/claim-path.ts';
import { judgeAccess, type ProviderAccess, tellsOfAdmin } from '../protocol/access-rules.ts';
import { SIGN_IN_LIFETIME } from './begin.ts';
import type { CompletionDeps } from './complete.ts';
import { excludePerson } from '../people/exclude.ts';
import { concludeEnding } from '../sessions/end.ts';
import { lockUser } from '../storage/records/users.ts';
import { keepClaimedScopes } from './claimed-scopes.ts';
import { isRechecked, nextCheckAt, openUpstreamToken, sealUpstreamToken } from './upstream-grant.ts';

export interface RecheckDeps extends CompletionDeps {
  readonly providers: readonly Provider[];
}

/** How long one process has a token to itself, in milliseconds: longer than its requests can take. */
const LEASE = 5 * 60_000;
/** After an outage the IdP is asked again this soon, or at the usual time if that is sooner. */
const RETRY = 5 * 60_000;
/** How many tokens are in use at the same time, and how many one round takes. */
const PARALLEL = 8;
const ROUND = 400;

/** Checks everybody whose time has come. Resolves to how many were asked about. */
export async function recheckPeople(deps: RecheckDeps, signal?: AbortSignal): Promise<number> {
  const due = await listDueUpstreamGrants(deps.db.query, { at: deps.clock.now(), limit: ROUND });
  let asked = 0;
  for (let from = 0; from < due.length && signal?.aborted !== true; from += PARALLEL) {
    const outcomes = await Promise.all(
      due.slice(from, from + PARALLEL).map((grant) => recheckPerson(deps, grant)),
    );
    asked += outcomes.filter(Boolean).length;
  }
  return asked;
}

async function recheckPerson(deps: RecheckDeps, grant: UpstreamGrant): Promise<boolean> {
  const now = deps.clock.now();
  const lease = { tokenId: grant.token_id, at: now, until: now + LEASE };
  if (!(await deps.db.write((tx) => leaseUpstreamGrant(tx, lease)))) return false;
  const access = deps.providerRules.get(grant.provider_id)?.access;
  const provider = deps.providers.find(({ id }) => id === grant.provider_id);
  const refreshToken = tryToOpen(deps, grant);
  if (
    access === undefined ||
    provider === undefined ||
    refreshToken === undefined ||
    !isRechecked(access, deps.operatorScopes)
  ) {
    await deps.db.write((tx) => deleteUpstreamGrant(tx, grant.token_id));
    return false;
  }
  if ((await countLiveSessions(deps.db.query, { userId: grant.user_id })) === 0) {
    await forgetUnlessNew(deps, grant, now);
    return false;
  }
  await askAndJudge(deps, { grant, access, provider, refreshToken });
  return true;
}

interface Check {
  readonly grant: UpstreamGrant;
  readonly access: ProviderAccess;
  readonly provider: Provider;
  readonly refreshToken: string;
}

async function askAndJudge(deps: RecheckDeps, check: Check): Promise<void> {
  const { grant, access, provider, refreshToken } = check;
  let tokenId = grant.token_id;
  const postpone = (nextAt: number): Promise<void> =>
    deps.db.write((tx) => postponeUpstreamGrant(tx, { tokenId, nextCheckAt: nextAt }));
  try {
    const identity = await provider.refreshIdentity({
      refreshToken,
      subject: grant.subject,
      onRotated: async (rotated) => {
        const sealed = sealUpstreamToken(deps, grant, rotated);
        const replacement = {
          tokenId,
          newTokenId: sealed.token_id,
          sealed: sealed.refresh_token_sealed,
        };
        if (await deps.db.write((tx) => replaceUpstreamToken(tx, replacement))) tokenId = sealed.token_id;
      },
    });
    if (await judge(deps, check, identity)) await postpone(nextCheckAt(access, deps.clock.now()));
  } catch (error) {
    const now = deps.clock.now();
    if (error instanceof UpstreamRefusal && error.idpError === 'invalid_grant') {
      deps.log.warn(
        { user_id: grant.user_id, provider: provider.id, reason: error.reason },
        'the identity provider no longer accepts the refresh token: claims are checked again at the next sign-in',
      );
      await deps.db.write((tx) => deleteUpstreamGrant(tx, tokenId));
    } else if (error instanceof UpstreamRefusal || error instanceof Unavailable) {
      deps.log.warn(
        { user_id: grant.user_id, provider: provider.id, err: error },
        'the claims of a person could not be fetched again: this has no consequence',
      );
      await postpone(Math.min(now + RETRY, nextCheckAt(access, now)));
    } else {
      throw error;
    }
  }
}

/** False if the person is not let in any more: then the token is gone with the sessions. */
async function judge(deps: RecheckDeps, check: Check, identity: RefreshedIdentity): Promise<boolean> {
  const { grant, access, provider } = check;
  const { claims, isComplete } = identity;
  const localpart = (await findUser(deps.db.query, grant.user_id))?.localpart;
  const verdict = judgeAccess(access, { claims, localpart });
  if (!verdict.ok) {
    // A claim that this answer need not have is no evidence.
    if (verdict.isUnknown || (verdict.isAbsent && !isComplete)) return true;
    const { reason } = verdict;
    const ended = await excludePerson(deps, { userId: grant.user_id, provider: provider.id, reason });
    deps.log.warn({ user_id: grant.user_id, sessions: ended }, 'sessions were ended by the access rules');
    return false;
  }
  await recheckScopes(deps, grant, { claims, isComplete });
  const isUnknown = access.admin.some(({ claim }) => isPointedTo(claims, claim));
  if (isUnknown || (!isComplete && !tellsOfAdmin(access, { claims, localpart }))) return true;
  await deps.db.write(async (tx) => {
    const changed = await setUserAdmin(tx, { id: grant.user_id, isAdmin: verdict.isAdmin });
    if (changed && !verdict.isAdmin) await dropScopeToken(tx, { userId: grant.user_id, token: ADMIN_SCOPE });
  });
  return true;
}

/** The operator's own scopes hang on the same claims. */
async function recheckScopes(
  deps: RecheckDeps,
  grant: UpstreamGrant,
  seen: Pick<RefreshedIdentity, 'claims' | 'isComplete'>,
): Promise<void> {
  const ended = await deps.db.write(async (tx) => {
    const user = await lockUser(tx, grant.user_id);
    return user === undefined ? [] : (await keepClaimedScopes(tx, deps, { user, ...seen })).ended;
  });
  await concludeEnding(deps, ended);
}

/** Nobody is signed in: the token is of no use, unless a sign-in is still on its way. */
async function forgetUnlessNew(deps: RecheckDeps, grant: UpstreamGrant, now: number): Promise<void> {
  const mayComeYet = grant.granted_at + 2 * SIGN_IN_LIFETIME > now;
  await deps.db.write((tx) =>
    mayComeYet
      ? postponeUpstreamGrant(tx, { tokenId: grant.token_id, nextCheckAt: now + RETRY })
      : deleteUpstreamGrant(tx, grant.token_id),
  );
}

function tryToOpen(deps: RecheckDeps, grant: UpstreamGrant): string | undefined {
  try {
    return openUpstreamToken(deps.sealer, grant);
  } catch {
    return undefined;
  }
}
