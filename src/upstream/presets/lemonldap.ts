import type { Preset } from './preset.ts';

/** LemonLDAP::NG 2 (tried: 2.16.1; the source of 2.19 was read). Its metadata lists `none` and HS algorithms for ID tokens, which are never taken unless configured. */
export const lemonldap: Preset = {
  name: 'lemonldap',
  title: 'LemonLDAP::NG',
  evidence: 'tried',
  sources: [
    'https://lemonldap-ng.org/documentation/latest/openidconnectservice.html',
    'lemonldap-ng-portal lib/Lemonldap/NG/Portal/Issuer/OpenIDConnect.pm (metadata)',
  ],
  logout: { backchannel: true, rp_initiated: true },
  notes: [
    'Choose RS256 as ID token signature of the relying party (ES256 where its release has it).',
    'Its script rotateOidcKeys replaces the key: the former one is gone from the set at once.',
    'Whether it can tell us of a sign-out depends on the release: 2.16 cannot, and its metadata says so.',
  ],
};
