import type { Preset } from './preset.ts';

export const generic: Preset = {
  name: 'generic',
  title: 'any OpenID Connect provider',
  evidence: 'from documents',
  sources: ['OpenID Connect Discovery 1.0', 'RFC 8414'],
};
