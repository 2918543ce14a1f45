/** Forward authentication: a reverse proxy asks whether a request may pass. */
import { z } from 'zod';
import { described, flag, line, textRule } from '../fields.ts';

/** What may be said of a request's owner in a header. A test compares them with `src/verification-api/identity-headers.ts`. */
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
    { description: 'Host of the request. `*.` stands for any names before.', fallback: 'any' },
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
      .array(textRule((text) => (/^[A-Z]+$/.test(text) ? undefined : 'must be in capitals')))
      .min(1)
      .optional(),
    {
      description: 'Methods of the request.',
      fallback: 'any',
    },
  ),
  scope: scopes("All of these must be in the token's scope, beside `required_scope`."),
  anonymous: described(z.enum(['never', 'missing', 'failure']).optional(), {
    description: 'As `anonymous` below, for these requests.',
    fallback: '`anonymous` of `forward_auth`',
  }),
  deny: flag(false, 'Lets nothing pass.'),
});

export const forwardAuthSection = z.strictObject({
  enabled: flag(false, 'Answers at `/verify`. See [forward authentication](forward-auth.md).'),
  token_from: described(
    z
      .array(z.enum(['header', 'query', 'cookie']))
      .min(1)
      .default(['header']),
    {
      description:
        'Where a token may come from: the `Authorization` header, the parameter `access_token` of the query, a cookie. In a query it ends up in logs.',
      example: '[header, cookie]',
    },
  ),
  cookie: described(
    textRule((text) =>
      /^[A-Za-z0-9_.-]{1,64}$/.test(text)
        ? undefined
        : 'must be the name of a cookie: letters, digits, `_`, `.` and -',
    ).default('access_token'),
    { description: 'The cookie that holds it.' },
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
    description: 'Other names than those of the preset; `null` leaves one out.',
    example: '{ localpart: X-Remote-User, email: null }',
  }),
  anonymous: described(z.enum(['never', 'missing', 'failure']).default('never'), {
    description:
      'Whether requests pass without an identity: `missing`, where there is no token; `failure`, where it is not good too.',
  }),
  preflight: flag(false, 'Lets the preflight requests of browsers pass, which never carry a token.'),
  required_scope: scopes("All of these must be in the token's scope, whatever the request is."),
  rules: described(z.array(ruleSection).default([]), {
    description: 'What holds for some requests. The first one that fits decides.',
    example: '[{ host: api.example.com, path: /admin, scope: [admin] }]',
  }),
});
