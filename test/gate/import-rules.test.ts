import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, run } from '../../scripts/run.ts';

/** Files of a small checkout that breaks every rule once, and keeps to them elsewhere. */
const sources: Record<string, string> = {
  'protocol/clock.ts': `import '../storage/records/users.ts';`,
  'config/load.ts': `import '../protocol/clock.ts'; import '../observability/log.ts'; import '../http/app.ts';`,
  'observability/log.ts': `import '../config/load.ts';`,
  'storage/records/users.ts': `import { sql } from 'kysely'; import '../../upstream/provider.ts'; export { sql };`,
  'upstream/provider.ts': `import type { Config } from '../config/schema.ts'; export type { Config };`,
  'outbound/outbound.ts': `import 'undici';`,
  'upstream/documents/jwks.ts': `import 'undici';`,
  'config/schema.ts': `import '../protocol/clock.ts'; export interface Config { a: 1 }`,
  'homeserver/none.ts': `import '../protocol/clock.ts'; import '../storage/records/users.ts';`,
  'metadata/build.ts': `import '../upstream/provider.ts'; import '../sessions/start.ts';`,
  'sessions/start.ts': `import type { Kysely } from 'kysely'; import '../homeserver/none.ts'; export type { Kysely };`,
  'sessions/end.ts': `import { sql } from 'kysely'; import '../upstream/documents/jwks.ts'; export { sql };`,
  'sign-in/link.ts': `import '../sessions/start.ts'; import '../matrix-api/whoami.ts';`,
  'verification/own-token.ts': `import '../sessions/end.ts';`,
  'verification/verdict.ts': `import '../sessions/end.ts'; import '../account/page.ts';`,
  'http/app.ts': `import 'express'; import '../observability/log.ts'; import '../sessions/end.ts';`,
  'matrix-api/whoami.ts': `import '../http/app.ts'; import '../sign-in/link.ts'; import '../account/page.ts';`,
  'account/page.ts': `import 'express'; import '../service.ts';`,
  'authorization-server/token.ts': `import './authorize.ts'; import '../verification/verdict.ts'; import '../verification/own-token.ts';`,
  'authorization-server/authorize.ts': `import './token.ts';`,
  'admin/users.ts': `import '../../test/support.ts'; import 'vitest'; import './gone.ts';`,
  'misc/thing.ts': `import '../protocol/clock.ts';`,
  'service.ts': `import './matrix-api/whoami.ts'; import './authorization-server/token.ts'; import './misc/thing.ts'; import './cli/main.ts';`,
  'cli/main.ts': `import '../service.ts'; import '../config/load.ts'; import './clients.ts';`,
  'cli/clients.ts': `import '../matrix-api/whoami.ts';`,
  'clients/clients.ts': `import '../sign-in/link.ts';`,
  'people/people.ts': `import '../verification/verdict.ts';`,
  'provisioning/outbox.ts': `import '../sessions/start.ts';`,
  'texts/en.ts': `import '../storage/records/users.ts';`,
  'storage/alone.ts': `export const a = 1;`,
};

let checkout: string;
const violations: string[] = [];

beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'gatehouse-rules-'));
  for (const [path, text] of Object.entries(sources)) await put(`src/${path}`, text);
  await put('test/support.ts', 'export const a = 1;');
  await put(
    'package.json',
    JSON.stringify({ type: 'module', dependencies: packages(), devDependencies: { vitest: '*' } }),
  );
  await put('tsconfig.json', '{"compilerOptions":{"module":"nodenext","allowImportingTsExtensions":true}}');
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  const { output } = await run(
    'depcruise',
    ['--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', 'src', 'test'],
    { cwd: checkout },
  );
  const report = JSON.parse(output) as {
    summary: { violations: { from: string; to: string; rule: { name: string } }[] };
  };
  for (const { from, to, rule } of report.summary.violations) {
    violations.push(
      `${rule.name}: ${from} -> ${to.replace(/^.*node_modules\/(@types\/)?([^/]+)\/.*$/, '$2')}`,
    );
  }
});

afterAll(() => rm(checkout, { recursive: true, force: true }));

test.each([
  [
    'the vocabulary imports nothing of the parts',
    'protocol-imports-only-its-foundations: src/protocol/clock.ts -> src/storage/records/users.ts',
  ],
  [
    'configuration knows no part',
    'config-imports-only-its-foundations: src/config/load.ts -> src/http/app.ts',
  ],
  [
    'observability takes plain values',
    'observability-imports-only-its-foundations: src/observability/log.ts -> src/config/load.ts',
  ],
  [
    'storage and upstream never know each other',
    'storage-imports-only-its-foundations: src/storage/records/users.ts -> src/upstream/provider.ts',
  ],
  [
    'a part does not import even the type of the configuration',
    'upstream-imports-only-its-foundations: src/upstream/provider.ts -> src/config/schema.ts',
  ],
  [
    'the homeserver connector knows no storage',
    'homeserver-imports-only-its-foundations: src/homeserver/none.ts -> src/storage/records/users.ts',
  ],
  [
    'metadata knows no sessions',
    'metadata-imports-only-its-foundations: src/metadata/build.ts -> src/sessions/start.ts',
  ],
  [
    'sessions know no identity provider',
    'sessions-imports-only-its-foundations: src/sessions/end.ts -> src/upstream/documents/jwks.ts',
  ],
  [
    'sign-in knows no routes',
    'sign-in-imports-only-its-foundations: src/sign-in/link.ts -> src/matrix-api/whoami.ts',
  ],
  [
    'verification knows no route',
    'verification-imports-only-its-foundations: src/verification/verdict.ts -> src/account/page.ts',
  ],
  ['http knows no domain', 'http-imports-only-its-foundations: src/http/app.ts -> src/sessions/end.ts'],
  [
    'the routes never know each other',
    'matrix-api-imports-only-its-foundations: src/matrix-api/whoami.ts -> src/account/page.ts',
  ],
  [
    'nothing imports the composition root',
    'only-the-top-imports-the-composition-root: src/account/page.ts -> src/service.ts',
  ],
  [
    'the composition root knows no command line',
    'composition-root-below-the-command-line: src/service.ts -> src/cli/main.ts',
  ],
  [
    'a new folder has to be entered in the rules',
    'no-file-outside-a-part: src/service.ts -> src/misc/thing.ts',
  ],
  [
    'the command line is a caller of the domain, as the routes are',
    'no-route-below-the-command-line: src/cli/clients.ts -> src/matrix-api/whoami.ts',
  ],
  [
    'routes are given what verifies tokens',
    'routes-verify-by-the-verdict: src/authorization-server/token.ts -> src/verification/own-token.ts',
  ],
  [
    'clients know no sign-in',
    'clients-imports-only-its-foundations: src/clients/clients.ts -> src/sign-in/link.ts',
  ],
  [
    'people know no tokens',
    'people-imports-only-its-foundations: src/people/people.ts -> src/verification/verdict.ts',
  ],
  [
    'provisioning is below sessions',
    'provisioning-imports-only-its-foundations: src/provisioning/outbox.ts -> src/sessions/start.ts',
  ],
  ['texts are pure', 'texts-imports-only-its-foundations: src/texts/en.ts -> src/storage/records/users.ts'],
  ['Express stays in http', 'express-in-its-place: src/account/page.ts -> express'],
  ['undici stays in the one way out', 'undici-in-its-place: src/upstream/documents/jwks.ts -> undici'],
  ['queries are built in storage', 'kysely-in-its-place: src/sessions/end.ts -> kysely'],
  ['sources do not import tests', 'sources-import-sources: src/admin/users.ts -> test/support.ts'],
  [
    'sources need no development dependency',
    'no-development-dependency-in-sources: src/admin/users.ts -> vitest',
  ],
  ['an import that leads nowhere fails', 'resolvable: src/admin/users.ts -> ./gone.ts'],
  ['a cycle fails', 'no-cycles: src/authorization-server/authorize.ts -> src/authorization-server/token.ts'],
  ['an orphan fails', 'no-orphans: src/storage/alone.ts -> src/storage/alone.ts'],
  [
    'a file that the top cannot reach fails',
    'reachable-from-the-top: src/admin/users.ts -> src/admin/users.ts',
  ],
])('%s', (_sentence, violation) => {
  expect(violations).toContain(violation);
});

test('what is allowed is not reported', () => {
  const reported = violations.join('\n');
  expect(reported).not.toContain('src/cli/main.ts -> src/config');
  expect(reported).not.toContain('src/outbound/outbound.ts -> undici');
  expect(reported).not.toContain('src/storage/records/users.ts -> kysely');
  expect(reported).not.toContain('src/sessions/start.ts -> kysely');
  expect(reported).not.toContain('src/http/app.ts -> express');
  expect(reported).not.toContain('token.ts -> src/verification/verdict.ts');
});

function packages(): Record<string, string> {
  return { kysely: '*', express: '*', undici: '*' };
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), text);
}
