import type { Preset } from './preset.ts';

/** authentik. */
export const authentik: Preset = {
  name: 'authentik',
  title: 'authentik',
  evidence: 'from documents',
  sources: [
    'goauthentik/authentik authentik/providers/oauth2/views/provider.py',
    'https://github.com/goauthentik/authentik/pull/25650 (Cloudflare check blocks server calls)',
    'https://github.com/goauthentik/authentik/pull/15845 (back-channel logout)',
  ],
  logout: { backchannel: true, rp_initiated: true },
  notes: [
    'The issuer is that of the application and ends with a slash, such as https://idp.example.com/application/o/matrix/.',
    'Behind Cloudflare its browser check must be off for this server.',
  ],
};
