/** Whom a client wants to log in (client-server API, "Identifier types"). */
import { localpartFault } from '../../protocol/identifiers.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import type { AskedUser } from '../../sign-in/password.ts';
import type { LogInBody } from './log-in-body.ts';

/**
 * The user of a login. The deprecated `user`, `medium` and `address` win over `identifier`. Capitals do not count: there are none in localparts.
 * Throws 400 if the identifier cannot be understood.
 */
export function readAskedUser(body: LogInBody, serverName: string): AskedUser {
  if (body.user != null) return judgeName(body.user, serverName);
  if (body.medium != null || body.address != null) {
    return judgeThirdParty([body.medium, body.address], ['medium', 'address']);
  }
  const { identifier } = body;
  if (identifier == null) throw badJson('identifier is missing');
  const { user, medium, address, country, phone } = identifier as Record<string, unknown>;
  switch (identifier.type) {
    case 'm.id.user':
      if (typeof user !== 'string')
        throw badJson(`identifier.user ${user === undefined ? 'is missing' : 'must be string'}`);
      return judgeName(user, serverName);
    case 'm.id.thirdparty':
      return judgeThirdParty([medium, address], ['identifier.medium', 'identifier.address']);
    case 'm.id.phone':
      return judgeThirdParty([country, phone], ['identifier.country', 'identifier.phone']);
    default:
      throw new MatrixError(400, 'M_UNKNOWN', 'Unknown type of identifier');
  }
}

/** A user ID, or its localpart alone. */
function judgeName(name: string, serverName: string): AskedUser {
  const lowered = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const colon = lowered.indexOf(':');
  if (lowered.startsWith('@') && (colon === -1 || lowered.slice(colon + 1) !== serverName.toLowerCase())) {
    return { kind: 'unknown', reason: 'a user ID of another server' };
  }
  const localpart = lowered.startsWith('@') ? lowered.slice(1, colon) : lowered;
  const fault = localpartFault(localpart, serverName);
  return fault === undefined
    ? { kind: 'localpart', localpart }
    : { kind: 'unknown', reason: `no localpart: ${fault}` };
}

/** Addresses belong to the identity provider: none is known here. */
function judgeThirdParty(values: readonly unknown[], names: readonly string[]): AskedUser {
  for (const [index, value] of values.entries()) {
    if (typeof value === 'string') continue;
    throw badJson(`${names[index] ?? ''} ${value == null ? 'is missing' : 'must be string'}`);
  }
  return { kind: 'unknown', reason: 'a third-party identifier' };
}

function badJson(text: string): MatrixError {
  return new MatrixError(400, 'M_BAD_JSON', text);
}
