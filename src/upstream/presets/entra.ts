import type { Preset } from './preset.ts';

/** Microsoft Entra ID. */
export const entra: Preset = {
  name: 'entra',
  title: 'Microsoft Entra ID',
  evidence: 'from documents',
  sources: [
    'https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc',
    'https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference',
    'https://github.com/modelcontextprotocol/typescript-sdk/issues/832 (S256 not listed)',
    'https://github.com/opencloud-eu/ios/issues/44 (AADSTS90023: one prompt value)',
  ],
  // The documents of "common" and "organizations" state this issuer literally; tokens state that of the tenant.
  issuer_template: {
    issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    placeholder: '{tenantid}',
    claim: 'tid',
  },
  missing_members: { code_challenge_methods_supported: ['S256'] },
  single_prompt: true,
  logout: { backchannel: false, rp_initiated: true },
  notes: [
    'sub differs between applications: with subject_claim: oid people keep their account when the client id changes.',
    'Register the redirect URI for the platform "Web", not "Single-page application".',
    'With an issuer of several tenants, name those that may sign in in allowed_tenants.',
  ],
};
