import type { Preset } from './preset.ts';

/** Authelia 4.39: profile claims are in userinfo, not in the ID token; unknown scopes are refused. */
export const authelia: Preset = {
  name: 'authelia',
  title: 'Authelia',
  evidence: 'from documents',
  sources: [
    'authelia/authelia internal/oidc/discovery.go',
    'https://www.authelia.com/integration/openid-connect/openid-connect-1.0-claims/',
  ],
  defaults: { fetch_userinfo: true },
  // Refused unless the client's configuration lists it: name it in `scopes` then.
  offline: { scope: false },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'It computes its issuer from the host of the request: every way to it must carry the public host name.',
    'List each scope that is asked for in the client of its configuration.',
  ],
};
