import type { Preset } from './preset.ts';

/** Sign in with Apple. */
export const apple: Preset = {
  name: 'apple',
  brand: 'apple',
  title: 'Apple',
  evidence: 'from documents',
  sources: [
    'https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.',
    'https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret',
    'https://developer.apple.com/forums/thread/660531 (form_post)',
  ],
  defaults: {
    // With these scopes it answers by form_post alone.
    scopes: ['openid', 'name', 'email'],
    response_mode: 'form_post',
    fetch_userinfo: false,
  },
  signed_secret: { audience: 'https://appleid.apple.com', alg: 'ES256' },
  prompts: { login: null, select_account: null, create: null },
  offline: { scope: false },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'The issuer is https://appleid.apple.com, and the client id is that of a Services ID.',
    'The client secret is made from client_private_key (the .p8 file), client_private_key_id and client_team_id.',
    'The ID token has no name: the browser brings it at the first sign-in only, unsigned, and it is not read.',
    'E-mail addresses may be those of its relay, which say nothing about the person.',
  ],
};
