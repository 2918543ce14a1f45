/** Products of identity providers of which it is known what differs from the standards (`upstream/presets/`). */
export const presetNames = [
  'generic',
  'oauth2',
  'oidc-provider',
  'keycloak',
  'authentik',
  'authelia',
  'dex',
  'entra',
  'gitlab',
  'glewlwyd',
  'google',
  'kanidm',
  'lemonldap',
  'zitadel',
] as const;

export type PresetName = (typeof presetNames)[number];
