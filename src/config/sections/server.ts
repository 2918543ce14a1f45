/** The identity of this service: the keys at the top of the file. */
import { z } from 'zod';
import { reservedNameFault } from '../../protocol/reserved-names.ts';
import { described, flag, ownUrl, secret, secretFile, textRule } from '../fields.ts';

const IPV6 = /^\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?$/;
const NAME = /^[A-Za-z0-9.-]{1,255}(:\d{1,5})?$/;

/** Server name grammar of the Matrix appendices ("Server Name"): host or IPv6 literal, and an optional port. */
function serverNameFault(text: string): string | undefined {
  if (text.includes('://') || text.includes('/'))
    return 'must be a server name such as example.com, not a URL';
  if (!IPV6.test(text) && !NAME.test(text)) {
    return 'must be a host name, an IPv4 address or an IPv6 address in brackets, with an optional port';
  }
  if (text.length > 230) return 'must have at most 230 characters, because it is part of user IDs';
  return undefined;
}

/** The keys without a section of their own. */
export const serverKeys = {
  server_name: described(textRule(serverNameFault), {
    description:
      'Name of the Matrix server: user IDs are `@localpart:server_name`. Can never be changed once there are users.',
    example: 'example.com',
  }),
  public_url: described(ownUrl(), {
    description:
      'URL at which clients and browsers reach this service, and its issuer identifier, byte for byte as written here. It may have a path; all routes are then below that path. `https`, or `http` on a loopback host.',
    example: 'https://auth.example.com/',
  }),
  public_url_allow_http: flag(
    false,
    'Accepts a `public_url` with `http` on a host that is not loopback. Tokens and cookies then travel unprotected: for closed test networks only.',
  ),
  mode: described(z.enum(['facade', 'passthrough']).default('facade'), {
    description:
      '`facade`: this service issues the tokens that clients use; works with every provider. `passthrough`: the provider issues them.',
  }),
  reserved_localparts: described(z.array(textRule(reservedNameFault)).default([]), {
    description:
      'Localparts that no new user gets, whatever the provider says: whole names, or prefixes followed by `*`. Users who already have such a name keep it. The comparison ignores case.',
    example: '[admin, support, _bridge_*]',
  }),
  oauth_api: flag(
    true,
    'Offers the OAuth 2.0 API. If it is off, `auth_metadata` answers 404 M_UNRECOGNIZED, which tells clients so. The routes under `/oauth2` do the same, except for the introspection of tokens from legacy login.',
  ),
  encryption_key: secret(
    'Encrypts what must be readable again (signing keys, tokens of the provider): 32 random bytes in base64 or hexadecimal, or any random text of 32 characters or more. `openssl rand -base64 32` generates one. With SQLite it may be left out: a key is then generated once.',
  ),
  encryption_key_file: secretFile('encryption_key', {
    description:
      'With SQLite, the file is created with mode 0600 if it does not exist and there is no database yet.',
    fallback: 'with SQLite `gatehouse.key` next to the database',
    example: 'gatehouse.key',
  }),
};
