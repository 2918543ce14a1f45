/** The REST token backend of ejabberd. */
import { z } from 'zod';
import { described, flag, secret, secretFile } from '../fields.ts';
import { nameTemplate } from './sasl.ts';

export const ejabberdSection = z.strictObject({
  enabled: flag(
    false,
    'Answers below `/ejabberd/oauth`: the token store of `oauth_db_type: rest`. See [other servers](other-servers.md#ejabberd).',
  ),
  secret: secret('What ejabberd proves itself with, as a bearer token in `ext_api_headers`.'),
  secret_file: secretFile('secret'),
  username: described(nameTemplate().default('{localpart}@{server_name}'), {
    description: 'JID of the person of a `{localpart}`.',
    example: '"{localpart}@chat.example.com"',
  }),
});
