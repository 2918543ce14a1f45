/** Clients that the operator knows beforehand. */
import { z } from 'zod';
import { described, flag, line, secret, secretFile, textRule, webUrl } from '../fields.ts';

function redirectUriFault(text: string): string | undefined {
  if (URL.parse(text) === null || text.includes('#') || /\s/.test(text)) {
    return 'must be an absolute URI without a fragment';
  }
  return undefined;
}

const clientSection = z.strictObject({
  client_id: described(
    textRule((text) =>
      /^[\x21-\x7e]{1,255}$/.test(text) ? undefined : 'must be 1 to 255 printable ASCII characters',
    ),
    { description: 'Identifier of the client.', example: 'my-bridge' },
  ),
  client_name: described(line().optional(), { description: 'Name that people see on the consent page.' }),
  client_uri: described(webUrl().optional(), { description: 'Home page of the client.' }),
  redirect_uris: described(z.array(textRule(redirectUriFault)).default([]), {
    description: 'Where people may be sent back to after sign-in; compared exactly.',
  }),
  grant_types: described(
    z
      .array(
        z.enum([
          'authorization_code',
          'refresh_token',
          'client_credentials',
          'urn:ietf:params:oauth:grant-type:device_code',
        ]),
      )
      .default(['authorization_code', 'refresh_token']),
    { description: 'Grants that the client may use.' },
  ),
  token_endpoint_auth_method: described(
    z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']).default('none'),
    { description: 'How the client proves who it is.' },
  ),
  client_secret: secret('Secret of the client.'),
  client_secret_file: secretFile('client_secret'),
  jwks_uri: described(webUrl().optional(), {
    description: 'Public keys of the client, for `private_key_jwt`.',
  }),
  trusted: flag(false, 'Skips the consent page.'),
});

export const clientsSection = z.array(clientSection);
