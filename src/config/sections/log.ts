/** What is written to standard output. */
import { z } from 'zod';
import { described } from '../fields.ts';

export const logSection = z.strictObject({
  level: described(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    description: 'The lowest level that is written.',
  }),
  format: described(z.enum(['auto', 'json', 'pretty']).default('auto'), {
    description:
      '`json`: one object for each line. `pretty`: for people. `auto`: `pretty` on a terminal, else `json`.',
  }),
});
