import type { Preset } from './preset.ts';

/** Kanidm. Every answer says no-store; ID tokens are signed with ES256; an empty list of PKCE methods means that PKCE is not required. */
export const kanidm: Preset = {
  name: 'kanidm',
  title: 'Kanidm',
  evidence: 'from documents',
  sources: [
    'kanidm/kanidm server/lib/src/idm/oauth2.rs',
    'https://github.com/kanidm/kanidm/issues/1133 (scopes need a scope map)',
  ],
  // Refresh tokens come by themselves.
  offline: { scope: false },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'The issuer is that of the client: https://idp.example.com/oauth2/openid/<client_id>.',
    'Every scope that is asked for needs a scope map for the people who may sign in; else it answers access_denied.',
  ],
};
