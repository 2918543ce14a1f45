import type { Kysely } from 'kysely';
import type { ClaimTemplate } from '../protocol/claim-template.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { ADMIN_SCOPE } from '../protocol/scope.ts';
import { type OperatorScopes, scopesByClaims } from '../protocol/operator-scope.ts';
import { concludeEnding, type EndedSession, type SessionEndingDeps } from '../sessions/end.ts';
import { queueTelling } from '../provisioning/outbox.ts';
import type { Schema } from '../storage/schema.ts';
import { setUserAdmin } from '../storage/records/people.ts';
import type { Sealer } from '../storage/sealed.ts';
import { dropScopeToken } from '../storage/records/session-list.ts';
import {
  type User,
  findLinkedUser,
  findUserByLocalpart,
  insertLink,
  insertUser,
  recordLogin,
} from '../storage/records/users.ts';
import type { UpstreamIdentity } from '../upstream/login/login.ts';
import { judgeAccess, type ProviderAccess, ruleText } from '../protocol/access-rules.ts';
import { excludePerson } from '../people/exclude.ts';
import { type FreeLocalpartDeps, refuseLocalpart, takenRefusal } from './free-localpart.ts';
import { ownsUser } from './owns-user.ts';
import { mapLocalpart } from './localpart.ts';
import { displaynameOf, type ProfileClaims, profileOf, type ProfilePolicy } from './profile.ts';
import { type Message, message } from '../texts/message.ts';
import { SignInRefusal } from './refusal.ts';
import { keepClaimedScopes } from './claimed-scopes.ts';
import { keepUpstreamGrant } from './upstream-grant.ts';

/** What the operator decided about the people of one provider. */
export interface ProviderRules {
  /** What the provider is called on pages. */
  readonly name: string;
  /** Whose it is, for a mark beside the name: `github`. */
  readonly brand?: string;
  /** A picture in place of the mark, as a `data:` URL. */
  readonly icon?: string;
  /** Whether a user that exists already becomes theirs, on proof. */
  readonly linksExisting?: boolean;
  /** Each the name of a claim, a template, or several of them (`protocol/claim-template.ts`). */
  readonly claims: ProfileClaims & { readonly localpart: ClaimTemplate };
  readonly access: ProviderAccess;
}

export interface CompletionDeps extends SessionEndingDeps, FreeLocalpartDeps {
  readonly sealer: Sealer;
  /** By provider id. */
  readonly providerRules: ReadonlyMap<string, ProviderRules>;
  readonly operatorScopes: OperatorScopes;
  readonly profilePolicy: ProfilePolicy;
}

interface Completed {
  readonly user: User;
  readonly isNew?: true;
  readonly isLinked?: true;
  /** Sessions that lost all of their scopes. */
  readonly ended?: readonly EndedSession[];
}

/**
 * The Matrix user of a person whom the IdP vouched for: the one way in, for every kind of sign-in. (issuer, subject) decides; at the first
 * sign-in the localpart is made of the claims, and a taken one is refused (names get recycled), unless it is proved to be theirs. The access rules are judged before
 * anything is stored; who breaks them loses the sessions that there are. `expectedLocalpart`: whom it must turn out to be; for anybody else nothing is stored.
 * Throws `SignInRefusal`.
 */
export async function completeSignIn(
  deps: CompletionDeps,
  signIn: { providerId: string; identity: UpstreamIdentity; expectedLocalpart?: string },
): Promise<User> {
  const { identity, providerId } = signIn;
  const provider = deps.providerRules.get(providerId);
  if (provider === undefined) throw new Error(`no rules for provider ${providerId}`);
  const { claims: rules, access } = provider;
  const now = deps.clock.now();
  const link = { issuer: identity.issuer, subject: identity.subject };
  const displayname = displaynameOf(rules, identity.claims);
  const queueProfile = async (tx: Kysely<Schema>, of: { userId: string; isNew: boolean }): Promise<void> => {
    const payload = profileOf(
      { rules, policy: deps.profilePolicy },
      { claims: identity.claims, isNew: of.isNew },
    );
    if (payload !== undefined)
      await queueTelling(tx, deps, { kind: 'set_profile', userId: of.userId, payload, now });
  };
  const requireExpected = (localpart: string): void => {
    if (signIn.expectedLocalpart === undefined || localpart === signIn.expectedLocalpart) return;
    throw new SignInRefusal(
      message('sign-in.other-person'),
      'the identity provider says that it is somebody else',
      'other_person',
    );
  };
  const known = await findLinkedUser(deps.db.query, link);
  const mapping = { serverName: deps.serverName, localpart: rules.localpart };
  const localpart = known?.localpart ?? mapLocalpart(mapping, identity.claims);
  const isAdmin = await requireAccess(deps, { access, identity, providerId, known, localpart });
  if (localpart instanceof SignInRefusal) throw localpart;
  requireExpected(localpart);
  let owns = false;
  if (known === undefined) {
    const refusal = await refuseLocalpart(deps, localpart, async () => {
      owns = provider.linksExisting === true && (await ownsUser(deps, { rules, identity, localpart }));
      return owns;
    });
    // The same person may sign in twice at the same moment, and the other sign-in was first.
    if (refusal !== undefined && (await findLinkedUser(deps.db.query, link)) === undefined) throw refusal;
  }
  const {
    user,
    isNew = false,
    isLinked = false,
    ended = [],
  } = await deps.db.write(async (tx): Promise<Completed> => {
    const linked = await findLinkedUser(tx, link);
    if (linked !== undefined) {
      requireExpected(linked.localpart);
      await recordLogin(tx, { ...link, userId: linked.id, displayname, at: now });
      await queueProfile(tx, { userId: linked.id, isNew: false });
      if ((await setUserAdmin(tx, { id: linked.id, isAdmin })) && !isAdmin) {
        await dropScopeToken(tx, { userId: linked.id, token: ADMIN_SCOPE });
      }
      const kept = await keepClaimedScopes(tx, deps, {
        user: linked,
        claims: identity.claims,
        isComplete: true,
      });
      return {
        user: { ...kept.user, is_admin: Number(isAdmin), displayname: displayname ?? linked.displayname },
        ended: kept.ended,
      };
    }
    const newLink = { ...link, provider_id: providerId, created_at: now, last_login_at: now };
    const claimed = scopesByClaims(
      deps.operatorScopes,
      { claims: identity.claims, localpart },
      { claimed: null, isComplete: true },
    );
    const created: User = {
      id: newRecordId(now, deps.random),
      localpart,
      displayname,
      created_at: now,
      locked_at: null,
      deactivated_at: null,
      erased_at: null,
      is_admin: Number(isAdmin),
      claimed_scopes: claimed,
    };
    if (!(await insertUser(tx, created))) {
      // Somebody has the name; if it is this very person, signing in twice at the same moment, the link is there by now.
      const again = await findLinkedUser(tx, link);
      if (again !== undefined) return { user: again };
      const existing = owns ? await findUserByLocalpart(tx, localpart) : undefined;
      if (existing === undefined || existing.deactivated_at !== null) throw takenRefusal(deps, localpart);
      if (!(await insertLink(tx, { ...newLink, user_id: existing.id }))) {
        return { user: (await findLinkedUser(tx, link)) ?? existing };
      }
      await queueProfile(tx, { userId: existing.id, isNew: false });
      return { user: existing, isLinked: true };
    }
    // Linked to another user in this very moment: what was inserted here is undone.
    if (!(await insertLink(tx, { ...newLink, user_id: created.id }))) throw takenRefusal(deps, localpart);
    await queueProfile(tx, { userId: created.id, isNew: !owns });
    return { user: created, isNew: true, isLinked: true };
  });
  await concludeEnding(deps, ended, { deliver: false });
  if (isNew) deps.emit('user_created', { userId: user.id, provider: providerId });
  if (isLinked) deps.emit('user_linked', { userId: user.id, provider: providerId });
  if (user.deactivated_at !== null) {
    throw new SignInRefusal(
      message('sign-in.deactivated'),
      'the user is deactivated',
      'deactivated',
      user.id,
    );
  }
  await keepUpstreamGrant(deps, { access, providerId, identity, userId: user.id });
  return user;
}

/** Whether the person is an administrator. Throws if they are not let in, once their sessions have ended. */
async function requireAccess(
  deps: CompletionDeps,
  person: {
    access: ProviderAccess;
    identity: UpstreamIdentity;
    providerId: string;
    known: User | undefined;
    localpart: string | SignInRefusal;
  },
): Promise<boolean> {
  const { access, known, providerId } = person;
  const localpart = person.localpart instanceof SignInRefusal ? undefined : person.localpart;
  const verdict = judgeAccess(access, { claims: person.identity.claims, localpart });
  if (verdict.ok) return verdict.isAdmin;
  // What is only pointed to is unknown: no evidence to end sessions by.
  if (known !== undefined && !verdict.isUnknown) {
    await excludePerson(deps, { userId: known.id, provider: providerId, reason: verdict.reason });
  }
  const rule = ruleText(verdict.rule);
  const kind = verdict.kind === 'required' ? 'sign-in.not-allowed.needs' : 'sign-in.not-allowed.has';
  const told: Message = access.explain ? message(kind, { rule }) : message('sign-in.not-allowed');
  throw new SignInRefusal(told, verdict.reason);
}
