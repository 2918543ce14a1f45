/** Links between accounts at a provider and users, made by the operator: for people whose users are older than this service. */
import type { Kysely } from 'kysely';
import { type InternalUserId, localpartFault, newRecordId, userId } from '../protocol/identifiers.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { SERVICE_LOCALPART } from '../sessions/service-session.ts';
import type { Schema } from '../storage/schema.ts';
import { findLinkedUser, findUserByLocalpart, insertLink, insertUser } from '../storage/records/users.ts';

export interface LinkDeps extends SessionEndingDeps {
  readonly serverName: string;
  /** Provider id → issuer. */
  readonly issuers: ReadonlyMap<string, string>;
}

/** A link that somebody wants. */
export interface WantedLink {
  /** Where it stands in its source, for the report. */
  readonly row: number;
  /** Localpart, or user ID of this server. */
  readonly user: string;
  /** Id of a provider of the configuration. */
  readonly provider: string;
  readonly subject: string;
  /** Default: the provider's own. For a provider of several tenants. */
  readonly issuer?: string;
}

/**
 * What becomes of it. `link`: to a user that is here. `create`: to one that only the homeserver has, which is made here too. `linked`: it is so already. `refused`:
 * it cannot be, for a reason.
 */
export type LinkOutcome =
  | { readonly kind: 'link' | 'create' | 'linked'; readonly localpart: string; readonly issuer: string }
  | { readonly kind: 'refused'; readonly reason: string };

export interface PlannedLink {
  readonly wanted: WantedLink;
  readonly outcome: LinkOutcome;
}

/** Judges each, in their order, and changes nothing. Throws `Unavailable` if the homeserver cannot be asked about a user that is not here. */
export async function planLinks(deps: LinkDeps, wanted: readonly WantedLink[]): Promise<PlannedLink[]> {
  const planned: PlannedLink[] = [];
  const owners = new Map<string, string>();
  for (const each of wanted) {
    const outcome = await judgeLink(deps, each);
    if (outcome.kind === 'refused') {
      planned.push({ wanted: each, outcome });
      continue;
    }
    const key = JSON.stringify([outcome.issuer, each.subject]);
    const owner = owners.get(key) ?? outcome.localpart;
    owners.set(key, owner);
    const twice: LinkOutcome = {
      kind: 'refused',
      reason: `an earlier row has the same subject for ${owner}`,
    };
    planned.push({ wanted: each, outcome: owner === outcome.localpart ? outcome : twice });
  }
  return planned;
}

async function judgeLink(deps: LinkDeps, wanted: WantedLink): Promise<LinkOutcome> {
  const refuse = (reason: string): LinkOutcome => ({ kind: 'refused', reason });
  const { db, serverName, homeserver } = deps;
  const issuer = wanted.issuer ?? deps.issuers.get(wanted.provider);
  if (issuer === undefined || !deps.issuers.has(wanted.provider)) return refuse('there is no such provider');
  if (wanted.subject === '') return refuse('the subject is empty');
  const [, name, server] = /^@([^:]*):(.*)$/.exec(wanted.user) ?? [];
  const localpart = name ?? wanted.user;
  if (server !== undefined && server !== serverName) return refuse('the user is on another server');
  const fault = localpartFault(localpart, serverName);
  if (fault !== undefined) return refuse(`the user cannot be one here: ${fault}`);
  if (localpart === SERVICE_LOCALPART) return refuse('the user is that of this service');
  const known = await findLinkedUser(db.query, { issuer, subject: wanted.subject });
  if (known !== undefined && known.localpart !== localpart) {
    return refuse(`the subject is linked to ${userId(known.localpart, serverName)}`);
  }
  if (known !== undefined) return { kind: 'linked', localpart, issuer };
  const here = await findUserByLocalpart(db.query, localpart);
  if (here !== undefined) {
    return here.deactivated_at === null
      ? { kind: 'link', localpart, issuer }
      : refuse('the user is deactivated here');
  }
  const there = await homeserver.findUser({ localpart });
  if (there === undefined) return refuse('neither this service nor the homeserver has the user');
  return there.deactivated
    ? refuse('the user is deactivated at the homeserver')
    : { kind: 'create', localpart, issuer };
}

/** Makes a planned link. False if it was there already, or somebody else has the subject by now. */
export async function applyLink(deps: LinkDeps, { wanted, outcome }: PlannedLink): Promise<boolean> {
  if (outcome.kind !== 'link' && outcome.kind !== 'create') return false;
  const { localpart, issuer } = outcome;
  const now = deps.clock.now();
  const made = await deps.db.write(async (tx) => {
    if ((await findLinkedUser(tx, { issuer, subject: wanted.subject })) !== undefined) return undefined;
    const isNew = await insertPerson(tx, { id: newRecordId(now, deps.random), localpart, now });
    const user = await findUserByLocalpart(tx, localpart);
    if (user === undefined || user.deactivated_at !== null) return undefined;
    const { subject, provider: provider_id } = wanted;
    const times = { created_at: now, last_login_at: now };
    const isMade = await insertLink(tx, { issuer, subject, provider_id, user_id: user.id, ...times });
    return isMade ? { userId: user.id, isNew } : undefined;
  });
  if (made === undefined) return false;
  const about = { userId: made.userId, provider: wanted.provider };
  if (made.isNew) deps.emit('user_created', about);
  deps.emit('user_linked', about);
  return true;
}

function insertPerson(
  tx: Kysely<Schema>,
  { id, localpart, now }: { id: InternalUserId; localpart: string; now: number },
): Promise<boolean> {
  return insertUser(tx, {
    id,
    localpart,
    displayname: null,
    created_at: now,
    locked_at: null,
    deactivated_at: null,
  });
}
