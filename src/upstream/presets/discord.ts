import type { Preset } from './preset.ts';

/** Discord, as plain OAuth 2.0: userinfo says who it is. */
export const discord: Preset = {
  name: 'discord',
  title: 'Discord',
  evidence: 'from documents',
  sources: [
    'https://discord.com/developers/docs/topics/oauth2',
    'https://discord.com/developers/docs/resources/user#get-current-user',
  ],
  openid: false,
  defaults: { discovery_method: 'none', scopes: ['identify', 'email'], subject_claim: 'id' },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'Give its three endpoints in discovery.overrides, as docs/providers/discord.md does.',
    'Everybody can have an account there: user names say nothing about who somebody is.',
  ],
};
