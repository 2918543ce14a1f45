import type { Clock, Random } from '../protocol/clock.ts';
import { renderClaimTemplate } from '../protocol/claim-template.ts';
import { newRecordId, userId } from '../protocol/identifiers.ts';
import type { Database } from '../storage/database.ts';
import { type User, findLinkedUser, insertLink, insertUser, recordLogin } from '../storage/users.ts';
import type { UpstreamIdentity } from '../upstream/login.ts';
import { mapLocalpart } from './localpart.ts';
import { SignInRefusal } from './refusal.ts';

/** What the operator decided about the people of one provider. */
export interface ProviderRules {
  /** What the provider is called on pages. */
  readonly name: string;
  /** Each the name of a claim, or a template (`protocol/claim-template.ts`). */
  readonly claims: { readonly localpart: string; readonly displayname: string };
}

export interface CompletionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: string;
  /** By provider id. */
  readonly providerRules: ReadonlyMap<string, ProviderRules>;
}

const DISPLAYNAME_LIMIT = 100;

/**
 * The Matrix user of a person whom the IdP vouched for: the one way in, for every kind of sign-in. (issuer, subject) decides; at the first
 * sign-in the localpart is made of the claims, and a taken one is refused (item 146: names get recycled). Throws `SignInRefusal`.
 */
export async function completeSignIn(
  deps: CompletionDeps,
  signIn: { providerId: string; identity: UpstreamIdentity },
): Promise<User> {
  const { identity, providerId } = signIn;
  const rules = deps.providerRules.get(providerId)?.claims;
  if (rules === undefined) throw new Error(`no rules for provider ${providerId}`);
  const now = deps.clock.now();
  const link = { issuer: identity.issuer, subject: identity.subject };
  const displayname =
    renderClaimTemplate(rules.displayname, identity.claims)?.slice(0, DISPLAYNAME_LIMIT) ?? null;
  const user = await deps.db.write(async (tx) => {
    const linked = await findLinkedUser(tx, link);
    if (linked !== undefined) {
      await recordLogin(tx, { ...link, userId: linked.id, displayname, at: now });
      return { ...linked, displayname: displayname ?? linked.displayname };
    }
    const localpart = mapLocalpart(
      { serverName: deps.serverName, localpart: rules.localpart },
      identity.claims,
    );
    const created: User = {
      id: newRecordId(now, deps.random),
      localpart,
      displayname,
      created_at: now,
      locked_at: null,
      deactivated_at: null,
      is_admin: 0,
    };
    if (!(await insertUser(tx, created))) {
      // Somebody has the name; if it is this very person, signing in twice at the same moment, the link is there by now.
      const again = await findLinkedUser(tx, link);
      if (again !== undefined) return again;
      throw new SignInRefusal(
        `${userId(localpart, deps.serverName)} belongs to another account. Please ask your administrator.`,
        'the localpart is taken by a user with another upstream link',
      );
    }
    await insertLink(tx, {
      ...link,
      provider_id: providerId,
      user_id: created.id,
      created_at: now,
      last_login_at: now,
    });
    return created;
  });
  if (user.deactivated_at !== null) {
    throw new SignInRefusal('This account has been deactivated.', 'the user is deactivated');
  }
  return user;
}
