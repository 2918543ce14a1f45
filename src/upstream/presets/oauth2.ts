import type { Preset } from './preset.ts';

/** Plain OAuth 2.0: no discovery, no ID token; userinfo alone says who it is. */
export const oauth2: Preset = {
  name: 'oauth2',
  title: 'any OAuth 2.0 provider with a userinfo endpoint',
  evidence: 'from documents',
  sources: ['RFC 6749', 'https://github.com/element-hq/matrix-authentication-service/issues/4457 (GitHub)'],
  openid: false,
  defaults: { discovery_method: 'none', scopes: [] },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'Give authorization_endpoint, token_endpoint and userinfo_endpoint in discovery.overrides, and subject_claim: for GitHub it is id.',
    'The issuer is a name of your choice in the form of a URL; people are known by it for good.',
  ],
};
