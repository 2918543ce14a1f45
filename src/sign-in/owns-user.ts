/** Whether a person who signs in for the first time is proved to own a user that the homeserver has already. */
import { ADMIN_SCOPE, API_SCOPE } from '../protocol/scope.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { SERVICE_LOCALPART, ServiceUserFault, withServiceToken } from '../sessions/service-session.ts';
import type { UpstreamIdentity } from '../upstream/login/login.ts';
import { emailOf, type ProfileClaims } from './profile.ts';

/**
 * True if the provider vouches for an address that the homeserver has for the user. Neither name nor address alone proves anything: names get recycled, and
 * whoever may choose an address freely must not choose an account. An account with rights of its own is never given away like that. Throws `Unavailable`
 * if the homeserver cannot be asked.
 */
export async function ownsUser(
  deps: SessionEndingDeps,
  {
    rules,
    identity,
    localpart,
  }: { rules: ProfileClaims; identity: Pick<UpstreamIdentity, 'claims'>; localpart: string },
): Promise<boolean> {
  const { claims } = identity;
  const { email_verified: verified } = claims;
  const address = emailOf(rules.email, claims)?.toLowerCase();
  if ((verified !== true && verified !== 'true') || address === undefined) return false;
  if (localpart === SERVICE_LOCALPART) return false;
  const account = await deps.homeserver.findUser({ localpart });
  if (account === undefined || account.deactivated) return false;
  try {
    const owner = await withServiceToken(deps, `${API_SCOPE} ${ADMIN_SCOPE}`, (accessToken) =>
      deps.homeserver.findOwner({ userId: account.userId, accessToken }),
    );
    return owner?.isOrdinary === true && owner.emails.some((email) => email.toLowerCase() === address);
  } catch (error) {
    if (!(error instanceof ServiceUserFault)) throw error;
    deps.log.warn(
      { err: error },
      'nobody is linked to a user that exists, as the homeserver cannot be asked whose it is',
    );
    return false;
  }
}
