import type { Preset } from './preset.ts';

/** Okta: the org authorization server, or a custom one. */
export const okta: Preset = {
  name: 'okta',
  title: 'Okta',
  evidence: 'from documents',
  sources: [
    'https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/',
    'https://developer.okta.com/docs/concepts/auth-servers/',
  ],
  logout: { backchannel: false, rp_initiated: true },
  notes: [
    'The issuer is https://example.okta.com, or https://example.okta.com/oauth2/default for the custom authorization server of that name.',
    'preferred_username is the login, mostly an e-mail address: take the localpart from {preferred_username|before_at}.',
  ],
};
