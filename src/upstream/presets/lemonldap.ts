import type { Preset } from './preset.ts';

/** LemonLDAP::NG 2.19. Its metadata lists `none` and HS algorithms for ID tokens, which are never taken unless configured. */
export const lemonldap: Preset = {
  name: 'lemonldap',
  title: 'LemonLDAP::NG',
  evidence: 'from documents',
  sources: [
    'https://lemonldap-ng.org/documentation/latest/openidconnectservice.html',
    'lemonldap-ng-portal lib/Lemonldap/NG/Portal/Issuer/OpenIDConnect.pm (metadata)',
  ],
  logout: { backchannel: true, rp_initiated: true },
  notes: [
    'Choose RS256 or ES256 as ID token signature of the relying party.',
    'Its keys are rotated by a cron script: see that it runs.',
  ],
};
