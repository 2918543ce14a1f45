import type { Preset } from './preset.ts';

/** Glewlwyd 2.7. */
export const glewlwyd: Preset = {
  name: 'glewlwyd',
  title: 'Glewlwyd',
  evidence: 'from documents',
  sources: ['babelouest/glewlwyd src/plugin/protocol_oidc.c (validate_code_challenge, get_discovery)'],
  // PKCE is a switch of the plugin; where it is off, a challenge or a verifier is an error, and the metadata lists no method.
  pkce_if_unlisted: false,
  logout: { backchannel: false, rp_initiated: true },
  notes: ['Switch PKCE on in the OpenID Connect plugin: it is off by default.'],
};
