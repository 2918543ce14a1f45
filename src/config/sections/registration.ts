/** Who may register a client. */
import { z } from 'zod';
import { appSchemeFault } from '../../protocol/app-scheme.ts';
import { count, described, textRule } from '../fields.ts';

const HOST = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

export const registrationSection = z.strictObject({
  mode: described(z.enum(['open', 'allow_list', 'off']).default('open'), {
    description:
      'Who may register a client. `open`: anybody, as Matrix clients expect. `allow_list`: clients with a `client_uri` on one of `allowed_hosts`, and with redirect URIs that are https on such hosts or have one of `allowed_schemes`. `off`: nobody; the endpoint stays in the metadata, which must have it, and refuses.',
  }),
  allowed_hosts: described(
    z
      .array(
        textRule((text) =>
          HOST.test(text) ? undefined : 'must be a host name in lower case, with or without a leading `*.`',
        ),
      )
      .default([]),
    {
      description:
        'Accepted hosts of `client_uri` with `mode: allow_list`: exact names, or `*.` for all subdomains.',
      example: '[app.element.io, "*.example.com"]',
    },
  ),
  allowed_schemes: described(z.array(textRule((text) => appSchemeFault(text))).default([]), {
    description: 'Accepted schemes of redirect URIs of apps with `mode: allow_list`, without the colon.',
    example: '[io.element.android]',
  }),
  omitted_auth_method: described(z.enum(['client_secret_basic', 'none']).default('client_secret_basic'), {
    description:
      'The method for clients that do not say how they authenticate. With `client_secret_basic`, the default of RFC 7591, such a client gets a secret; with `none` it is registered as a public client.',
  }),
  clients_cap: count(
    { min: 1, max: 10_000_000, default: 100_000 },
    'clients',
    'Maximum number of registered clients. Above, the oldest clients that nobody has ever signed in with are removed. If there are none, addresses that register many clients are refused: 503 with `Retry-After`.',
  ),
  unused_hours: count(
    { min: 1, max: 8760, default: 24 },
    'hours',
    'How long a client that registered itself is kept if nobody signs in with it. A client with a session is never removed; after its last session has ended, it is kept for 30 days.',
  ),
});
