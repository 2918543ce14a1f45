import type { Preset } from './preset.ts';

/** Auth0. The issuer ends with a slash. */
export const auth0: Preset = {
  name: 'auth0',
  title: 'Auth0',
  evidence: 'from documents',
  sources: [
    'https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery',
    'https://auth0.com/docs/authenticate/login/logout/back-channel-logout',
  ],
  logout: { backchannel: true, rp_initiated: true },
  notes: [
    'The issuer ends with a slash: https://example.eu.auth0.com/.',
    'There is no preferred_username for most connections: take the localpart from nickname or email.',
  ],
};
