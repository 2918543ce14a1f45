import type { Preset } from './preset.ts';

/** Google. */
export const google: Preset = {
  name: 'google',
  brand: 'google',
  title: 'Google',
  evidence: 'from documents',
  sources: [
    'https://developers.google.com/identity/openid-connect/openid-connect',
    'https://github.com/manfredsteyer/angular-oauth2-oidc/issues/812 (a secret even with PKCE)',
    'https://github.com/manfredsteyer/angular-oauth2-oidc/issues/1012 (invalid_scope)',
  ],
  // ID tokens may state the issuer without its scheme.
  defaults: { issuer_aliases: ['accounts.google.com'] },
  // It knows none, consent and select_account.
  prompts: { login: 'select_account', create: null },
  offline: { scope: false, parameters: { access_type: 'offline' } },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'The issuer is https://accounts.google.com.',
    'There is no preferred_username and there are no groups: map the localpart from email, and restrict by the claim hd.',
  ],
};
