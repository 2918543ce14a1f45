/** The homeserver that asks us whose a token is. */
import { z } from 'zod';
import { baseUrl, described, flag, ownUrl, secret, secretFile } from '../fields.ts';

const profileRule = (
  what: string,
): z.ZodDefault<z.ZodEnum<{ force: 'force'; suggest: 'suggest'; off: 'off' }>> =>
  described(z.enum(['force', 'suggest', 'off']).default('force'), {
    description: `${what} \`force\`: at each sign-in. \`suggest\`: at the first sign-in only; later the choice of the person counts. \`off\`: never.`,
  });

const profileSection = z.strictObject({
  displayname: profileRule('When the homeserver is told the display name (`claims.displayname`).'),
  email: profileRule(
    'When the homeserver is told the e-mail address (`claims.email`). It replaces all addresses that the homeserver has.',
  ),
  avatar: profileRule('When the homeserver is told the picture (`claims.avatar`).'),
});

export const homeserverSection = z.strictObject({
  kind: described(z.enum(['none', 'synapse']).default('none'), {
    description:
      '`none`: the homeserver is never called, and can still introspect tokens. `synapse`: users and devices are kept in step through its `matrix_authentication_service` interface.',
  }),
  url: described(baseUrl().optional(), {
    description: 'Where this service reaches the homeserver. Internal: never published.',
    example: 'http://127.0.0.1:8008',
  }),
  public_url: described(ownUrl().optional(), {
    description: 'Base URL of the homeserver for clients, as published in `/.well-known/matrix/client`.',
    example: 'https://matrix.example.com/',
  }),
  secret: secret('Shared with the homeserver: it introspects tokens with it, and we call it with it.'),
  secret_file: secretFile('secret'),
  profile: described(profileSection.prefault({}), {
    description: 'Which claims of a person the homeserver is told, and when.',
  }),
  allow_http: flag(false, 'Accepts `http` URLs of the homeserver on hosts that are not loopback.'),
});
