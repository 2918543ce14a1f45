import type { Preset } from './preset.ts';

/** Dex 2 (tried: 2.41.1). The document is made once at its first use and has no response modes and no revocation endpoint. */
export const dex: Preset = {
  name: 'dex',
  title: 'Dex',
  evidence: 'tried',
  sources: ['dexidp/dex server/handlers.go, server/oauth2.go (discovery, scopes)'],
  // An unknown scope is refused with invalid_scope.
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'For groups, add the scope groups.',
    'preferred_username depends on the connector: LDAP and GitHub give one, some others do not; the password database of 2.41 gives name.',
  ],
};
