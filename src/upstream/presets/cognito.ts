import type { Preset } from './preset.ts';

/** Amazon Cognito user pools. They can do PKCE with S256 and do not say so. */
export const cognito: Preset = {
  name: 'cognito',
  title: 'Amazon Cognito',
  evidence: 'from documents',
  sources: [
    'https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html',
    'https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html',
  ],
  // Refresh tokens come by themselves; the scope is unknown there.
  offline: { scope: false },
  logout: { backchannel: false, rp_initiated: false },
  notes: [
    'The issuer names the pool, not the domain of its login pages.',
    'There is no preferred_username unless the pool has it: the user name is the claim cognito:username.',
  ],
};
