import type { Preset } from './preset.ts';

/** Zitadel. Its metadata has no response modes, and access tokens are opaque unless the application says otherwise. */
export const zitadel: Preset = {
  name: 'zitadel',
  title: 'Zitadel',
  evidence: 'from documents',
  sources: ['zitadel/oidc pkg/op/discovery.go', 'https://zitadel.com/docs/apis/openidoauth/endpoints'],
  logout: { backchannel: false, rp_initiated: true },
  notes: [
    'Profile claims are in userinfo; the ID token has them only if the application says so.',
    'Back-channel logout is behind a feature flag.',
  ],
};
