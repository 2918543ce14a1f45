/**
 * Against guessing the secrets of clients and servers. Wrong ones are counted by whose secret it is and by the address that presents them, so nobody is locked out
 * by what others do elsewhere. An address that has presented the right secret before is not locked out either, whoever shares it.
 */
import { LRUCache } from 'lru-cache';
import type { EmitEvent } from '../observability/events.ts';
import type { ClientId } from '../protocol/identifiers.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { AddressLimit } from './address-limit.ts';
import { RequestFault } from './fault.ts';

/** A secret that is presented. */
export interface Presented {
  /** Whose it should be. */
  readonly owner:
    { readonly clientId: ClientId } | { readonly server: 'homeserver' | 'mail server' | 'ejabberd' };
  readonly clientAddress: string;
  /** Whether a refusal must not be a 4xx, as on a refresh and on introspection: it is 503 then, else 429. */
  readonly never4xx: boolean;
}

/** What becomes of presented secrets. `admit` and `wrong` throw the refusal if there were too many wrong ones. */
export interface SecretGuesses {
  /** Before it is compared. A server's secret is always compared: everybody would be locked out with it. */
  admit(presented: Presented): void;
  right(presented: Presented): void;
  /** Counts and tells it. The reason is for the log. */
  wrong(presented: Presented, reason: string): void;
}

/** The most addresses that are remembered to have presented a right secret. */
const PROVEN = 10_000;

/** Counts in this process, by `limit`. */
export function createSecretGuesses(deps: {
  readonly limit: AddressLimit;
  readonly emit: EmitEvent;
}): SecretGuesses {
  const { limit, emit } = deps;
  const proven = new LRUCache<string, true>({ max: PROVEN });
  return {
    admit(presented) {
      const { owner, clientAddress } = presented;
      if ('server' in owner || proven.has(nameOf(presented) + clientAddress)) return;
      refusing(presented, () => {
        limit.check(clientAddress, nameOf(presented));
      });
    },
    right(presented) {
      proven.set(nameOf(presented) + presented.clientAddress, true);
    },
    wrong(presented, reason) {
      refusing(presented, () => {
        limit.take(presented.clientAddress, nameOf(presented));
      });
      const { owner } = presented;
      emit('client_authentication_failed', {
        ...('clientId' in owner ? { clientId: owner.clientId } : {}),
        reason: 'clientId' in owner ? reason : `${owner.server}: ${reason}`,
      });
    },
  };
}

function nameOf({ owner }: Presented): string {
  return 'clientId' in owner ? `client ${owner.clientId} ` : `${owner.server} `;
}

function refusing({ never4xx }: Presented, limit: () => void): void {
  try {
    limit();
  } catch (cause) {
    if (!never4xx || !(cause instanceof RequestFault)) throw cause;
    const retryAfterSeconds = Number(cause.headers['retry-after'] ?? 1);
    throw new Unavailable('client authentication', { retryAfterSeconds, cause });
  }
}
