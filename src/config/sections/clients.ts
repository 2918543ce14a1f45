/** Clients that the operator configures. */
import { z } from 'zod';
import { signingAlgorithms } from '../../protocol/signing-algorithms.ts';
import { isScopeToken } from '../../protocol/scope.ts';
import { appSchemeFault } from '../../protocol/app-scheme.ts';
import { described, flag, line, secret, secretFile, textRule, webUrl } from '../fields.ts';

/** Checks a redirect URI: the operator may name any host, but nothing that a browser would execute. */
function redirectUriFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || text.includes('#') || /[\s\\]/.test(text))
    return 'must be an absolute URI without a fragment';
  if (url.username !== '' || url.password !== '') return 'must hold no user information';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol === 'http:') {
    const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
    return loopback ? undefined : 'must be https, except for 127.0.0.1, [::1] and localhost';
  }
  return appSchemeFault(url.protocol.slice(0, -1));
}

function scopeFault(text: string): string | undefined {
  if (!isScopeToken(text)) return 'must be one scope, without spaces, quotes and backslashes';
  if (text === 'openid' || /^urn:(matrix|synapse):/.test(text)) {
    return 'must not be a scope of Matrix or `openid`, which every client may request';
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
  client_name: described(line().optional(), {
    description: 'Name that people see on the consent page.',
    fallback: 'the host of `client_uri`, or the `client_id`',
  }),
  client_uri: described(webUrl().optional(), { description: 'Home page of the client.' }),
  redirect_uris: described(z.array(textRule(redirectUriFault)).default([]), {
    description:
      'Where people may be sent after sign-in; compared exactly, except for the port of a loopback address.',
  }),
  grant_types: described(
    z
      .array(
        z.enum([
          'authorization_code',
          'refresh_token',
          'client_credentials',
          'password',
          'urn:ietf:params:oauth:grant-type:device_code',
        ]),
      )
      .default(['authorization_code', 'refresh_token']),
    { description: 'Grants that the client may use.' },
  ),
  token_endpoint_auth_method: described(
    z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']).default('none'),
    {
      description: 'How the client authenticates. `none`: it cannot, because it runs on its users’ devices.',
    },
  ),
  client_secret: secret('Secret of the client, for `client_secret_basic` and `client_secret_post`.'),
  client_secret_file: secretFile('client_secret'),
  jwks: described(z.string().optional(), {
    description: 'Public keys of the client as a JSON Web Key Set, for `private_key_jwt`.',
  }),
  jwks_file: described(line().optional(), {
    path: true,
    description: 'File that contains `jwks`. Set one of the two.',
  }),
  scopes: described(z.array(textRule(scopeFault)).default([]), {
    description:
      'Scopes that the client may request in addition to those of Matrix: any for itself with `client_credentials`, and for its users those that `scopes` at the top level defines.',
    example: '[urn:example:read]',
  }),
  trusted: flag(
    false,
    'Skips the consent page; for your own clients only. The page is still shown if the client asks for it with `prompt=consent`, and if the device belongs to a session of another client.',
  ),
  introspect_all: flag(
    false,
    'Lets the client introspect the tokens of all clients, not only its own; for resource servers.',
  ),
  token_answer_claims: flag(
    false,
    'Adds `active: true` and the `claims` of the scopes to the answer of the token endpoint: Dovecot then needs no introspection after its password grant.',
  ),
  access_token_format: described(z.enum(['opaque', 'jwt']).default('opaque'), {
    description:
      'What its access tokens look like. `jwt` (RFC 9068): other servers can verify them without asking, and then do not learn of a sign-out before they expire. They live a day at most.',
  }),
  access_token_signing_alg: described(z.enum(signingAlgorithms).default('RS256'), {
    description: 'Signature of its access tokens with `access_token_format: jwt`.',
  }),
  access_token_typ: described(z.enum(['at+jwt', 'JWT']).default('at+jwt'), {
    description:
      'Header `typ` of its access tokens with `access_token_format: jwt`. RFC 9068 demands `at+jwt`; Dovecot 2.3 verifies only tokens with `JWT`.',
  }),
  session_ttl_seconds: described(z.int().min(1).max(315_360_000).optional(), {
    description:
      'Lifetime of this client’s sessions, whether or not they are used. After that, people sign in again.',
    unit: 'seconds',
    fallback: 'that of its scopes, else never',
  }),
  access_token_ttl_seconds: described(z.int().min(1).max(86_400).optional(), {
    description: 'Lifetime of this client’s access tokens.',
    unit: 'seconds',
    fallback: 'that of its scopes, else `sessions.access_token_ttl_seconds`',
  }),
});

export const clientsSection = z.array(clientSection);
