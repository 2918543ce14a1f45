import type { Preset } from './preset.ts';

/** panva/node-oidc-provider 9. */
export const oidcProvider: Preset = {
  name: 'oidc-provider',
  title: 'node-oidc-provider',
  evidence: 'tried',
  sources: ['https://github.com/panva/node-oidc-provider/blob/v9.x/lib/helpers/defaults.js'],
  // PKCE is mandatory there; profile claims come from userinfo only unless conformIdTokenClaims is off.
  defaults: { pkce: 'always', fetch_userinfo: true },
  // Without prompt=consent the scope is left out (OpenID Connect Core §11).
  offline: { scope: true, consent: true },
  logout: { backchannel: false, rp_initiated: true },
  notes: ['Back-channel logout is off unless features.backchannelLogout is enabled.'],
};
