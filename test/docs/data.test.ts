/** The page about stored data names every table, those of people in the table for them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/run.ts';
import { tables } from '../../src/storage/tables.ts';

const page = readFileSync(join(root, 'docs/data.md'), 'utf8');
const [ofPeople = '', others = ''] = page.split('## Other data');

test.each(Object.entries(tables))('docs/data.md tells of %s', (table, { person }) => {
  expect(person === 'nobody' ? page : ofPeople).toContain(`\`${table}\``);
  if (person !== 'nobody') expect(others).not.toMatch(new RegExp(`^\\|.*\`${table}\``, 'm'));
});
