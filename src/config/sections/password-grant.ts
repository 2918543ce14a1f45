/** The password grant, for servers whose protocol knows nothing else. */
import { z } from 'zod';
import { described, line } from '../fields.ts';
import { nameTemplate } from './sasl.ts';

export const passwordGrantSection = described(
  z
    .union([
      z.literal(false),
      z.strictObject({
        provider: line(),
        username: nameTemplate().default('{localpart}'),
        login: nameTemplate().default('{localpart}'),
      }),
    ])
    .default(false),
  {
    description:
      'Lets clients with `password` among their `grant_types` sign people in by name and password, for `scopes` of your own: `{ provider, username, login }`. `username` is what the provider calls the person of a `{localpart}`; `login` is how people write their name, beside the localpart and the Matrix user ID. The password passes through those servers and through this service, and second factors do not count. Limits are those of legacy login. See [other servers](other-servers.md#passwords).',
    example: '{ provider: main, login: "{localpart}@example.com" }',
  },
);
