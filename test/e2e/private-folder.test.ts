/** The tests run in a checkout below a folder that only its owner can enter, such as /root: as root PostgreSQL runs as another user. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root, run } from '../../scripts/run.ts';
import { isReachable } from '../support/reachable.ts';

// Beside the checkout, so that the copy of node_modules can be made of hard links.
const folder = mkdtempSync(join(dirname(root.replace(/\/$/, '')), '.gatehouse-private-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('below a folder that is closed to others, the tests on PostgreSQL pass', async () => {
  const checkout = join(folder, 'checkout');
  const list = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  for (const file of execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0')) {
    if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(checkout, file));
  }
  execFileSync('cp', ['-al', join(root, 'node_modules'), join(checkout, 'node_modules')]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(isReachable(checkout)).toBe(false);

  const { code, output } = await run(
    join(checkout, 'node_modules/.bin/vitest'),
    ['run', '--project', 'main', 'test/people/people.test.ts'],
    { cwd: checkout, env: { GATEHOUSE_TEST_ENGINES: 'postgres', VITEST: '', NO_COLOR: '1' } },
  );
  expect(output).toMatch(/Tests +\d+ passed/);
  expect(code).toBe(0);
}, 180_000);
