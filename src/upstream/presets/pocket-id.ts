import type { Preset } from './preset.ts';

/** Pocket ID. */
export const pocketId: Preset = {
  name: 'pocket-id',
  title: 'Pocket ID',
  evidence: 'from documents',
  sources: ['https://pocket-id.org/docs', 'https://github.com/pocket-id/pocket-id'],
  logout: { backchannel: false, rp_initiated: true },
  notes: ['The issuer is the URL of the instance, without a slash at its end.'],
};
