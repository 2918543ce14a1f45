/** Who we are: the keys that stand at the top of the file. */
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
  if (text.length > 230) return 'must have at most 230 characters, as user IDs end with it';
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
      'Where clients and browsers reach this service, and its issuer identifier, byte for byte as written here. May have a path, under which all routes then live. `https`, or `http` on a loopback host.',
    example: 'https://auth.example.com/',
  }),
  public_url_allow_http: flag(
    false,
    'Accepts a `public_url` with `http` on a host that is not loopback. Tokens and cookies then travel unprotected: for closed test networks only.',
  ),
  mode: described(z.enum(['facade', 'passthrough']).default('facade'), {
    description:
      '`facade`: this service issues the tokens that clients hold; works with every provider. `passthrough`: the provider issues them.',
  }),
  reserved_localparts: described(z.array(textRule(reservedNameFault)).default([]), {
    description:
      'Localparts that nobody new gets, whatever the provider says: whole names, or beginnings of names with `*` at the end. Who has such a name already keeps it. Letter case does not count.',
    example: '[admin, support, _bridge_*]',
  }),
  oauth_api: flag(
    true,
    'Offers the OAuth 2.0 API. Off: `auth_metadata` answers 404 M_UNRECOGNIZED, by which clients know, and so do the routes under `/oauth2`, but for the introspection of tokens from legacy login.',
  ),
  encryption_key: secret(
    'Encrypts what must be readable again (signing keys, tokens of the provider): 32 random bytes in base64 or hexadecimal, or any random text of 32 characters or more. `openssl rand -base64 32` makes one. With SQLite it may be left out: a key is then made once.',
  ),
  encryption_key_file: secretFile('encryption_key', {
    description:
      'With SQLite the file is made, mode 0600, if it does not exist and there is no database yet.',
    fallback: 'with SQLite `gatehouse.key` beside the database',
    example: 'gatehouse.key',
  }),
};
