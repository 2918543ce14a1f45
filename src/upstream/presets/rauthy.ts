import type { Preset } from './preset.ts';

/** Rauthy. */
export const rauthy: Preset = {
  name: 'rauthy',
  title: 'Rauthy',
  evidence: 'from documents',
  sources: ['https://sebadob.github.io/rauthy/', 'https://github.com/sebadob/rauthy'],
  logout: { backchannel: true, rp_initiated: true },
  notes: ['The issuer ends with /auth/v1; older releases add a slash. Copy it from the metadata.'],
};
