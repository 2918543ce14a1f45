import type { Preset } from './preset.ts';

/** Log In With Telegram, as OpenID Connect. */
export const telegram: Preset = {
  name: 'telegram',
  title: 'Telegram',
  evidence: 'from documents',
  sources: [
    'https://core.telegram.org/bots/telegram-login',
    'https://github.com/trip2g/trip2g/issues/334 (no nonce, no userinfo, no e-mail address)',
    'https://github.com/WatWowMap/ReactMap/pull/1251 (four signature algorithms, sub and id)',
  ],
  // It never returns a nonce.
  defaults: { scopes: ['openid', 'profile'], nonce: false, pkce: 'always', fetch_userinfo: false },
  offline: { scope: false },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'The issuer is https://oauth.telegram.org; client id and secret are those of a bot (BotFather, "Login Widget").',
    'sub differs from bot to bot; with subject_claim: id people are known by the number of their account.',
    'Not everybody has a user name there, and people can change it: give claims.localpart a fallback.',
  ],
};
