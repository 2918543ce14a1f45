/** Forward authentication: a reverse proxy asks whether a request may pass. */
import { z } from 'zod';
import { described, flag, line, textRule } from '../fields.ts';

/** What a header may say about the sender of a request. A test compares these with `src/verification-api/identity-headers.ts`. */
export const identityFields = [
  'user',
  'localpart',
  'subject',
  'device',
  'client',
  'scope',
  'provider',
  'email',
  'groups',
  'anonymous',
] as const;

const headerName = () =>
  textRule((text) =>
    /^[A-Za-z0-9-]{1,64}$/.test(text) ? undefined : 'must be the name of a header: letters, digits and -',
  );

const scope = () =>
  textRule((text) =>
    /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
      ? undefined
      : 'must be one scope: printable ASCII without spaces, quotes and backslashes',
  );

const scopes = (description: string) => described(z.array(scope()).default([]), { description });

const ruleSection = z.strictObject({
  host: described(
    textRule((text) =>
      /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(text)
        ? undefined
        : 'must be a host in lower case without port, such as `api.example.com` or `*.example.com`',
    ).optional(),
    { description: 'Host of the request. `*.` matches any subdomain.', fallback: 'any' },
  ),
  path: described(
    textRule((text) =>
      /^\/[\x21-\x7e]*$/.test(text) && !/[?#%\\]|\/\.{0,2}(\/|$)(?=.)|\/\.{1,2}$/.test(text)
        ? undefined
        : 'must be a plain path such as `/admin`: no query, no percent-encoding, no dots as segments',
    ).optional(),
    { description: 'The path itself and everything below it.', fallback: 'any' },
  ),
  methods: described(
    z
      .array(textRule((text) => (/^[A-Z]+$/.test(text) ? undefined : 'must be in upper case')))
      .min(1)
      .optional(),
    {
      description: 'Methods of the request.',
      fallback: 'any',
    },
  ),
  scope: scopes("The token's scope must contain all of these, in addition to `required_scope`."),
  anonymous: described(z.enum(['never', 'missing', 'failure']).optional(), {
    description: 'Like `forward_auth.anonymous`, for these requests.',
    fallback: '`anonymous` of `forward_auth`',
  }),
  deny: flag(false, 'Refuses these requests.'),
});

export const forwardAuthSection = z.strictObject({
  enabled: flag(false, 'Enables `/verify`. See [forward authentication](forward-auth.md).'),
  token_from: described(
    z
      .array(z.enum(['header', 'query', 'cookie']))
      .min(1)
      .default(['header']),
    {
      description:
        'Where a token may be sent: in the `Authorization` header, in the query parameter `access_token`, or in a cookie. A token in a query ends up in logs.',
      example: '[header, cookie]',
    },
  ),
  cookie: described(
    textRule((text) =>
      /^[A-Za-z0-9_.-]{1,64}$/.test(text)
        ? undefined
        : 'must be the name of a cookie: letters, digits, `_`, `.` and -',
    ).default('access_token'),
    { description: 'Name of the cookie that contains the token.' },
  ),
  realm: described(line().optional(), {
    description: '`realm` in `WWW-Authenticate`.',
    fallback: '`server_name`',
  }),
  preset: described(z.enum(['gatehouse', 'kong', 'oauth2-proxy']).default('gatehouse'), {
    description:
      'Names of the identity headers: `X-Auth-…`, those of Kong’s oauth2 plugin, or those of oauth2-proxy.',
  }),
  headers: described(z.partialRecord(z.enum(identityFields), z.union([headerName(), z.null()])).default({}), {
    description: 'Names that replace those of the preset; `null` removes a header.',
    example: '{ localpart: X-Remote-User, email: null }',
  }),
  anonymous: described(z.enum(['never', 'missing', 'failure']).default('never'), {
    description:
      'Whether requests may pass without an identity. `missing`: if there is no token. `failure`: also if the token is not valid.',
  }),
  preflight: flag(false, 'Lets preflight requests of browsers pass, which never have a token.'),
  required_scope: scopes("The token's scope must contain all of these, for every request."),
  rules: described(z.array(ruleSection).default([]), {
    description: 'Rules for some requests. The first one that matches decides.',
    example: '[{ host: api.example.com, path: /admin, scope: [admin] }]',
  }),
});
