/** Who may register a client. */
import { z } from 'zod';
import { appSchemeFault } from '../../protocol/app-scheme.ts';
import { count, described, textRule } from '../fields.ts';

const HOST = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

export const registrationSection = z.strictObject({
  mode: described(z.enum(['open', 'allow_list', 'off']).default('open'), {
    description:
      'Who may register a client: anybody, as Matrix clients expect; those whose `client_uri` is on one of `allowed_hosts` and whose redirect URIs are https on such hosts, or of one of `allowed_schemes`; nobody. The endpoint stays in the metadata, which must have it, and refuses.',
  }),
  allowed_hosts: described(
    z
      .array(
        textRule((text) =>
          HOST.test(text) ? undefined : 'must be a host name in lower case, or one with `*.` before it',
        ),
      )
      .default([]),
    {
      description:
        'Hosts of `client_uri` with `mode: allow_list`, exactly, or with `*.` everything below one.',
      example: '[app.element.io, "*.example.com"]',
    },
  ),
  allowed_schemes: described(z.array(textRule((text) => appSchemeFault(text))).default([]), {
    description: 'Schemes of redirect URIs of apps with `mode: allow_list`, without the colon.',
    example: '[io.element.android]',
  }),
  omitted_auth_method: described(z.enum(['client_secret_basic', 'none']).default('client_secret_basic'), {
    description:
      'What a client is that does not say how it authenticates. RFC 7591 says `client_secret_basic`, and it gets a secret; with `none` it is told that it is public.',
  }),
  clients_cap: count(
    { min: 1, max: 10_000_000, default: 100_000 },
    'clients',
    'Registered clients at most. Above, the oldest that nobody has ever signed in with make room; if there are none, addresses that register much are refused: 503 with `Retry-After`.',
  ),
  unused_hours: count(
    { min: 1, max: 8760, default: 24 },
    'hours',
    'How long a client that registered itself is kept while nobody signs in with it. One that has a session is never removed, and one whose last session has ended is kept for 30 more days.',
  ),
});
