import type { Preset } from './preset.ts';

/** Glewlwyd 2.7 (tried: 2.7.5). Its answers say no-store. */
export const glewlwyd: Preset = {
  name: 'glewlwyd',
  title: 'Glewlwyd',
  evidence: 'tried',
  sources: [
    'babelouest/glewlwyd src/plugin/protocol_oidc.c (validate_code_challenge, get_discovery)',
    'docs/OIDC.md of its 2.7.5 (session management, back-channel logout)',
  ],
  // PKCE is a switch of the plugin; if it is off, a challenge or a verifier is an error, and the metadata lists no method.
  pkce_if_unlisted: false,
  // check_auth_type_resource_owner_pwd_cred: an empty 403, while a wrong client gets 400.
  silent_password_refusal: 403,
  // Both come with the plugin's switch for session management.
  logout: { backchannel: true, rp_initiated: true },
  notes: [
    'The issuer is external_url, api/ and the name of the plugin, such as https://idp.example.com/api/oidc.',
    'Switch PKCE on in the OpenID Connect plugin: it is off by default.',
    'The claims name, email and preferred_username have to be switched on in the plugin, each for its scope.',
    'Login by password needs three switches: allow-non-oidc and the password grant in the plugin, and the authorization type password of the client. While one of the first two is off, every password is answered as if it were wrong.',
    'Sign-out there is told to us only with the switch for session management.',
  ],
};
