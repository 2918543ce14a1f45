import type { Preset } from './preset.ts';

/** Nextcloud with its own OAuth 2.0 server: userinfo is the user API, whose members lie two levels down. */
export const nextcloud: Preset = {
  name: 'nextcloud',
  title: 'Nextcloud',
  evidence: 'from documents',
  sources: [
    'https://docs.nextcloud.com/server/latest/admin_manual/configuration_server/oauth2.html',
    'https://docs.nextcloud.com/server/latest/developer_manual/client_apis/OCS/ocs-api-overview.html',
  ],
  openid: false,
  defaults: { discovery_method: 'none', scopes: [], subject_claim: 'ocs.data.id' },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'Give its three endpoints in discovery.overrides, as docs/providers/nextcloud.md does.',
    'With an app that makes it an OpenID Connect provider, use the preset generic.',
  ],
};
