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
  'auth0',
  'cognito',
  'discord',
  'nextcloud',
  'okta',
  'pocket-id',
  'rauthy',
  'apple',
  'telegram',
] as const;

export type PresetName = (typeof presetNames)[number];

/** Presets with a client secret that is a JWT, signed with one of our private keys. */
export const signedSecretPresets: ReadonlySet<string> = new Set<PresetName>(['apple']);

/** Those that return no nonce, so that PKCE must bind the code. */
export const noncelessPresets: ReadonlySet<string> = new Set<PresetName>(['telegram']);

/** Those of plain OAuth 2.0: nothing is discovered, and there is no ID token. */
export const plainOAuthPresets: ReadonlySet<string> = new Set<PresetName>(['oauth2', 'discord', 'nextcloud']);

/** What people call some of these products. */
export const otherPresetNames: Readonly<Record<string, PresetName>> = {
  azure: 'entra',
  'azure-ad': 'entra',
  'entra-id': 'entra',
  microsoft: 'entra',
  goauthentik: 'authentik',
  'lemonldap-ng': 'lemonldap',
  aws: 'cognito',
  oidc: 'generic',
  openid: 'generic',
  oauth: 'oauth2',
  github: 'oauth2',
};
