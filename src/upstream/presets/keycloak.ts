import type { Preset } from './preset.ts';

/** Keycloak 26 (tried: 26.7.3). Its answers say no-store. */
export const keycloak: Preset = {
  name: 'keycloak',
  title: 'Keycloak',
  evidence: 'tried',
  sources: [
    'keycloak/keycloak services/src/main/java/org/keycloak/protocol/oidc/OIDCWellKnownProvider.java',
    'https://github.com/element-hq/matrix-authentication-service/issues/1569 (no select_account)',
    'https://github.com/keycloak/keycloak/issues/37981 (no back-channel logout on disable or delete)',
  ],
  // It has no account chooser: signing in again is the nearest thing.
  prompts: { select_account: 'login' },
  logout: { backchannel: true, rp_initiated: true },
  notes: [
    'The issuer is the realm URL, such as https://idp.example.com/realms/main, without a slash at the end.',
    'Inside a cluster the document may name a backend host for token, keys and userinfo: set discovery.overrides if that host is not reachable from here.',
    'It does not tell us when an account is disabled or deleted.',
  ],
};
