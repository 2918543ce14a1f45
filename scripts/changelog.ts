/**
 * The changelog's fragments: one file a change in `changelog.d/`, one sentence each, for the operator.
 *
 *   node scripts/changelog.ts check           fragments well formed, and none missing for what changed
 *   node scripts/changelog.ts build VERSION   moves them into CHANGELOG.md under that version
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.ts';

/** By kind, in the order and the words of Keep a Changelog. */
const headings = {
  added: 'Added',
  changed: 'Changed',
  removed: 'Removed',
  fixed: 'Fixed',
  security: 'Security',
} as const;

type Kind = keyof typeof headings;

interface Fragment {
  readonly file: string;
  readonly subject: string;
  readonly kind: Kind;
  readonly sentence: string;
}

const maxLength = 400;
const fragmentName = new RegExp(`^([a-z0-9]+(?:-[a-z0-9]+)*)\\.(${Object.keys(headings).join('|')})$`);
const abbreviations = /\b(?:e\.g|i\.e|etc|vs|cf|resp)\./g;

/** Says what is wrong with a checkout's changelog, a line each; empty when nothing is. */
export function changelogFaults(checkout: string, env: NodeJS.ProcessEnv): string[] {
  const files = fragmentFiles(checkout);
  const faults = files.flatMap((file) => fragmentFaults(checkout, file));
  if (files.length === 0 && !isReleased(checkout)) {
    faults.push(
      'changelog.d holds no fragment, and CHANGELOG.md has no section for the version in package.json',
    );
  }
  const base = comparisonBase(checkout, env);
  return base === undefined ? faults : [...faults, ...missingFragments(checkout, base)];
}

/** Moves all fragments into CHANGELOG.md, newest version first, and deletes them. Throws if a fragment is malformed or none is there. */
export function buildChangelog(checkout: string, version: string, date: string): void {
  const files = fragmentFiles(checkout);
  const faults = files.flatMap((file) => fragmentFaults(checkout, file));
  if (faults.length > 0) throw new Error(faults.join('\n'));
  if (files.length === 0) throw new Error('changelog.d holds no fragment');
  const changelog = join(checkout, 'CHANGELOG.md');
  const before = existsSync(changelog) ? readFileSync(changelog, 'utf8') : '# Changelog\n';
  if (sectionOf(before, version)) throw new Error(`CHANGELOG.md has a section for ${version} already`);
  const fragments = files.map((file) => readFragment(checkout, file));
  const first = before.search(/^## /m);
  const head = (first < 0 ? before : before.slice(0, first)).trimEnd();
  const rest = first < 0 ? '' : `\n${before.slice(first)}`;
  writeFileSync(changelog, `${head}\n\n${section(version, date, fragments)}${rest}`);
  for (const file of files) rmSync(join(checkout, 'changelog.d', file));
}

function section(version: string, date: string, fragments: readonly Fragment[]): string {
  const groups = Object.entries(headings).flatMap(([kind, heading]) => {
    const lines = fragments
      .filter((fragment) => fragment.kind === kind)
      .map(({ sentence, subject }) => `- ${sentence}${/^\d+$/.test(subject) ? ` (#${subject})` : ''}`);
    return lines.length === 0 ? [] : [`### ${heading}\n\n${lines.join('\n')}\n`];
  });
  return `## ${version} (${date})\n\n${groups.join('\n')}`;
}

function fragmentFiles(checkout: string): string[] {
  const folder = join(checkout, 'changelog.d');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name !== 'README.md' && !name.startsWith('.'))
    .sort();
}

function fragmentFaults(checkout: string, file: string): string[] {
  if (!fragmentName.test(file)) {
    return [`changelog.d/${file}: name it <issue or slug>.<${Object.keys(headings).join('|')}>`];
  }
  const { sentence } = readFragment(checkout, file);
  const faults: string[] = [];
  if (sentence === '') faults.push('is empty');
  else if (!sentence.endsWith('.')) faults.push('does not end with a full stop');
  if (sentence.length > maxLength) faults.push(`is longer than ${maxLength} characters`);
  if (/[.!?]['")\]]?\s+\p{Lu}/u.test(sentence.replace(abbreviations, '')))
    faults.push('is more than one sentence');
  return faults.map((fault) => `changelog.d/${file} ${fault}`);
}

function readFragment(checkout: string, file: string): Fragment {
  const [, subject = '', kind = 'changed'] = fragmentName.exec(file) ?? [];
  const sentence = readFileSync(join(checkout, 'changelog.d', file), 'utf8')
    .trim()
    .replace(/\s+/g, ' ');
  return { file, subject, kind: kind as Kind, sentence };
}

function isReleased(checkout: string): boolean {
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
  const changelog = join(checkout, 'CHANGELOG.md');
  return existsSync(changelog) && sectionOf(readFileSync(changelog, 'utf8'), version);
}

function sectionOf(changelog: string, version: string): boolean {
  return changelog.split('\n').some((line) => line === `## ${version}` || line.startsWith(`## ${version} `));
}

/**
 * The commit that the work tree is compared with: CHANGELOG_BASE, else where this branch left origin/main. Without a remote: the last
 * commit while there are uncommitted changes, its parent otherwise. `undefined` where there is no history to compare with.
 */
function comparisonBase(checkout: string, env: NodeJS.ProcessEnv): string | undefined {
  const given = env['CHANGELOG_BASE'];
  if (given !== undefined && given !== '') {
    if (resolve(checkout, given) === undefined) throw new Error(`CHANGELOG_BASE: no such commit: ${given}`);
    return given;
  }
  if (resolve(checkout, 'HEAD') === undefined) return undefined;
  for (const upstream of ['origin/main', 'origin/HEAD']) {
    const fork = git(checkout, 'merge-base', upstream, 'HEAD')?.trim();
    if (fork !== undefined) return fork;
  }
  const uncommitted = changesSince(checkout, 'HEAD').some(
    ({ path }) => isProduct(path) || path.startsWith('changelog.d/'),
  );
  return uncommitted ? 'HEAD' : resolve(checkout, 'HEAD^');
}

function missingFragments(checkout: string, base: string): string[] {
  const changes = changesSince(checkout, base);
  if (changes.some(({ path }) => path === 'CHANGELOG.md')) return [];
  const fragments = changes.filter(
    ({ path }) => path.startsWith('changelog.d/') && fragmentName.test(path.slice(12)),
  );
  const written = fragments.filter(({ status }) => status !== 'D');
  const product = changes.map(({ path }) => path).filter(isProduct);
  const faults: string[] = [];
  if (product.length > 0 && written.length === 0) {
    const some =
      product.slice(0, 3).join(', ') + (product.length > 3 ? ` and ${product.length - 3} more` : '');
    faults.push(
      `no fragment in changelog.d was added or changed for what changed since ${base.slice(0, 10)}: ${some}`,
    );
  }
  if (fragments.length - written.length > written.length) {
    faults.push('fragments were deleted, and CHANGELOG.md is as it was');
  }
  return faults;
}

/** Whether a change of this file is one that an operator may notice. */
function isProduct(path: string): boolean {
  return /^(?:src|openapi|bin)\//.test(path) && !path.startsWith('src/generated/');
}

/** What the work tree, untracked files included, has changed since a commit. */
function changesSince(checkout: string, base: string): { status: string; path: string }[] {
  const tracked = git(checkout, 'diff', '--name-status', '--no-renames', '-z', base, '--');
  const untracked = git(checkout, 'ls-files', '--others', '--exclude-standard', '-z');
  if (tracked === undefined || untracked === undefined) throw new Error(`git cannot compare with ${base}`);
  const fields = tracked.split('\0').slice(0, -1);
  const changes = fields.flatMap((status, index) =>
    index % 2 === 0 ? [{ status, path: fields[index + 1] ?? '' }] : [],
  );
  return [
    ...changes,
    ...untracked
      .split('\0')
      .slice(0, -1)
      .map((path) => ({ status: 'A', path })),
  ];
}

function resolve(checkout: string, revision: string): string | undefined {
  return git(checkout, 'rev-parse', '--verify', '--quiet', `${revision}^{commit}`)?.trim();
}

/** What git prints, or `undefined` if it fails or is not there. A checkout that belongs to somebody else is read all the same. */
function git(checkout: string, ...args: string[]): string | undefined {
  const options = ['-c', 'safe.directory=*', '-c', 'core.quotePath=false'];
  const { status, stdout } = spawnSync('git', [...options, ...args], {
    cwd: checkout,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  return status === 0 ? stdout : undefined;
}

if (import.meta.main) {
  const [command, version, ...rest] = process.argv.slice(2);
  if (command === 'check' && version === undefined) {
    const faults = changelogFaults(root, process.env);
    for (const fault of faults) console.error(fault);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } else if (
    command === 'build' &&
    version !== undefined &&
    rest.length === 0 &&
    /^\d+\.\d+\.\d+/.test(version)
  ) {
    buildChangelog(root, version, new Date().toISOString().slice(0, 10));
  } else {
    console.error('usage: changelog.ts check | changelog.ts build VERSION');
    process.exitCode = 2;
  }
}
