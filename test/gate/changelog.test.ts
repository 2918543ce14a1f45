import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildChangelog, changelogFaults } from '../../scripts/changelog.ts';

let parent: string;
let checkout: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'gatehouse-changelog-'));
  checkout = join(parent, 'first');
  put('package.json', '{"version":"0.1.0"}');
  put('src/index.ts', '1');
  put('changelog.d/1.added', 'People sign in.\n');
  git('init', '--quiet', '--initial-branch=main');
  commit();
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('a fragment', () => {
  test.each([
    { that: 'is empty', name: '2.added', text: '' },
    { that: 'does not end with a full stop', name: '2.added', text: 'No stop' },
    { that: 'is more than one sentence', name: '2.added', text: 'One is here. Two is there.' },
    { that: 'is longer than 400 characters', name: '2.added', text: `${'x'.repeat(400)}.` },
    { that: 'name it', name: '2.other', text: 'A sentence.' },
    { that: 'name it', name: '2.feature', text: 'A sentence.' },
    { that: 'name it', name: 'Two Words.changed', text: 'A sentence.' },
  ])('is refused: $name, $that', ({ that, name, text }) => {
    put(`changelog.d/${name}`, text);
    expect(faults().join('\n')).toContain(that);
  });

  test('may wrap, and may abbreviate', () => {
    put(
      'changelog.d/jwks-cache.fixed',
      'Keys of an IdP that is away (e.g. Keycloak)\nare served from 1.5 MB of store.\n',
    );
    expect(faults()).toEqual([]);
  });
});

describe('a change of the product without a fragment fails', () => {
  test('uncommitted, in a repository without a remote', () => {
    put('src/index.ts', '2');
    expect(faults()).toEqual([expect.stringContaining('src/index.ts')]);
    put('changelog.d/2.fixed', 'It works.');
    expect(faults()).toEqual([]);
  });

  test('in a new file that git does not know yet', () => {
    put('src/new.ts', '2');
    expect(faults()).toEqual([expect.stringContaining('src/new.ts')]);
  });

  test('committed, in a repository without a remote', () => {
    put('openapi/admin.yaml', 'x: 1');
    commit();
    expect(faults()).toEqual([expect.stringContaining('openapi/admin.yaml')]);
    put('changelog.d/1.added', 'People and admins sign in.');
    commit();
    expect(faults()).toEqual([]);
  });

  test('committed on top of a clone, also several commits back', () => {
    clone();
    expect(faults()).toEqual([]);
    put('src/index.ts', '2');
    commit();
    put('README.md', 'hello');
    commit();
    expect(faults()).toEqual([expect.stringContaining('src/index.ts')]);
    put('changelog.d/2.fixed', 'It works.');
    expect(faults()).toEqual([]);
  });

  test('since the commit that CHANGELOG_BASE names', () => {
    put('src/index.ts', '2');
    commit();
    put('README.md', 'hello');
    commit();
    expect(faults()).toEqual([]);
    expect(changelogFaults(checkout, { CHANGELOG_BASE: 'HEAD~2' })).toEqual([
      expect.stringContaining('src/index.ts'),
    ]);
  });
});

test('a change of tests, docs and generated types needs no fragment', () => {
  put('test/a.test.ts', '1');
  put('docs/a.md', '1');
  put('src/generated/a.ts', '1');
  expect(faults()).toEqual([]);
});

test('a fragment that is deleted without a release fails', () => {
  put('changelog.d/2.changed', 'More.');
  commit();
  rmSync(join(checkout, 'changelog.d/1.added'));
  expect(faults()).toEqual(['fragments were deleted, and CHANGELOG.md is as it was']);
});

test('without any git history the fragments alone are checked', () => {
  rmSync(join(checkout, '.git'), { recursive: true });
  expect(faults()).toEqual([]);
  rmSync(join(checkout, 'changelog.d'), { recursive: true });
  expect(faults()).toEqual([expect.stringContaining('holds no fragment')]);
});

test('build moves the fragments under the version, newest first, and the result passes', () => {
  put('CHANGELOG.md', '# Changelog\n\nFor operators.\n\n## 0.0.9 (2026-01-01)\n\n### Added\n\n- Old.\n');
  put('changelog.d/locks.security', 'Locked people stay\nlocked.');
  buildChangelog(checkout, '0.1.0', '2026-12-01');
  expect(readFileSync(join(checkout, 'CHANGELOG.md'), 'utf8')).toBe(
    '# Changelog\n\nFor operators.\n\n## 0.1.0 (2026-12-01)\n\n### Added\n\n- People sign in. (#1)\n\n### Security\n\n- Locked people stay locked.\n\n## 0.0.9 (2026-01-01)\n\n### Added\n\n- Old.\n',
  );
  expect(existsSync(join(checkout, 'changelog.d/1.added'))).toBe(false);
  expect(faults()).toEqual([]);
  put('changelog.d/2.changed', 'More.');
  expect(() => buildChangelog(checkout, '0.1.0', '2026-12-02')).toThrow('already');
});

function faults(): string[] {
  return changelogFaults(checkout, {});
}

function put(path: string, text: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), text);
}

function commit(): void {
  git('add', '--all');
  git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '--message', 'change');
}

function clone(): void {
  git('clone', '--quiet', checkout, join(parent, 'second'));
  checkout = join(parent, 'second');
}

function git(...args: string[]): void {
  execFileSync('git', ['-c', 'commit.gpgsign=false', ...args], { cwd: checkout, stdio: 'pipe' });
}
