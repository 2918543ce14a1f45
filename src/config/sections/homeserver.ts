/** The homeserver that introspects our tokens. */
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
      '`none`: this service never calls the homeserver, which can still introspect tokens. `synapse`: this service tells Synapse about users and devices through its `matrix_authentication_service` interface.',
  }),
  url: described(baseUrl().optional(), {
    description: 'URL at which this service reaches the homeserver. Internal: never published.',
    example: 'http://127.0.0.1:8008',
  }),
  public_url: described(ownUrl().optional(), {
    description: 'Base URL of the homeserver for clients, as published in `/.well-known/matrix/client`.',
    example: 'https://matrix.example.com/',
  }),
  secret: secret(
    'Secret shared with the homeserver: the homeserver introspects tokens with it, and this service authenticates to the homeserver with it.',
  ),
  secret_file: secretFile('secret'),
  profile: described(profileSection.prefault({}), {
    description: 'Which claims of a person the homeserver is told, and when.',
  }),
  allow_http: flag(false, 'Accepts `http` URLs of the homeserver on hosts that are not loopback.'),
});
