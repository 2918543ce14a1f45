import type { Preset } from './preset.ts';

/** GitLab (doorkeeper). Older releases can do PKCE with S256 and do not say so. */
export const gitlab: Preset = {
  name: 'gitlab',
  brand: 'gitlab',
  title: 'GitLab',
  evidence: 'from documents',
  sources: [
    'https://docs.gitlab.com/integration/openid_connect_provider/',
    'https://github.com/doorkeeper-gem/doorkeeper-openid_connect/pull/180 (code_challenge_methods_supported)',
  ],
  // Refresh tokens come by themselves; the scope is unknown there.
  offline: { scope: false },
  logout: { backchannel: false, rp_initiated: false },
  notes: ['Tick the scopes openid, profile and email in the application; others are refused.'],
};
