/** Whether a name may become a new user: by the configuration, and by the homeserver, which is asked before anything is stored. */
import { userId } from '../protocol/identifiers.ts';
import type { IsReserved } from '../protocol/reserved-names.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { type Message, message } from '../texts/message.ts';
import { SignInRefusal } from './refusal.ts';

export interface FreeLocalpartDeps extends Pick<SessionEndingDeps, 'homeserver'> {
  readonly serverName: string;
  /** By `reserved_localparts`. */
  readonly isReserved: IsReserved;
}

type LocalpartVerdict = Awaited<ReturnType<FreeLocalpartDeps['homeserver']['judgeLocalpart']>>;

/** What a person is told who cannot have the name. */
const refusals: Readonly<Record<Exclude<LocalpartVerdict, 'available'>, (user: string) => Message>> = {
  taken: (user) => message('sign-in.taken', { user }),
  invalid: (user) => message('sign-in.name-not-accepted', { user }),
  reserved: (user) => message('sign-in.reserved', { user }),
};

/**
 * Why nobody new may have the localpart; `undefined` if they may. `mayHaveTaken`: whether a user that the homeserver has already is proved to be theirs. A user that the homeserver has already, or keeps for an application service, belongs to
 * somebody else, whatever the provider says: to tell it of the user would hand over the account. Throws `Unavailable` if it cannot be asked.
 */
export async function refuseLocalpart(
  deps: FreeLocalpartDeps,
  localpart: string,
  mayHaveTaken: () => Promise<boolean>,
): Promise<SignInRefusal | undefined> {
  const user = userId(localpart, deps.serverName);
  if (deps.isReserved(localpart)) {
    return new SignInRefusal(refusals.reserved(user), 'the localpart is one of reserved_localparts');
  }
  const verdict = await deps.homeserver.judgeLocalpart({ localpart });
  if (verdict === 'available' || (verdict === 'taken' && (await mayHaveTaken()))) return undefined;
  return new SignInRefusal(refusals[verdict](user), `the homeserver says of the localpart: ${verdict}`);
}

/** Another person here has the localpart. */
export function takenRefusal(
  { serverName }: Pick<FreeLocalpartDeps, 'serverName'>,
  localpart: string,
): SignInRefusal {
  const told = refusals.taken(userId(localpart, serverName));
  return new SignInRefusal(told, 'the localpart is taken by a user with another upstream link');
}
