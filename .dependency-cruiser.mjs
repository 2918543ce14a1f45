/**
 * Who may import whom (ARCHITECTURE.md). Each part names all that it may import of `src/`; whatever is not named is forbidden,
 * so a new folder has to be entered here before anybody can use it. Type imports count.
 */
const foundations = ['protocol', 'generated', 'observability'];
/** What the product knows and does: rooms that routes, the command line and the admin API call, and that know none of them. */
const domain = [
  'storage',
  'outbound',
  'upstream',
  'homeserver',
  'clients',
  'signing-keys',
  'provisioning',
  'sessions',
  'people',
  'verification',
  'sign-in',
  'metadata',
];

/** Part -> parts it may import, beside itself. */
const mayImport = {
  // 1. The vocabulary imports nothing but itself; texts are pure.
  protocol: ['generated'],
  generated: ['protocol'],
  texts: ['protocol'],
  // 2. Any part may import observability; nobody imports config: parts take plain values.
  config: foundations,
  observability: ['protocol', 'generated'],
  // 3. The edges of the process never know each other. What is said to others goes out through outbound/.
  storage: foundations,
  outbound: foundations,
  upstream: [...foundations, 'outbound'],
  homeserver: [...foundations, 'outbound'],
  http: [...foundations, 'texts'],
  // 4. The domain. None of it knows Express; sign-in/ leads browsers, so it speaks in requests and replies (http/exchange.ts).
  clients: [...foundations, 'storage', 'sessions'],
  'signing-keys': [...foundations, 'storage'],
  provisioning: [...foundations, 'storage', 'homeserver'],
  sessions: [...foundations, 'storage', 'homeserver', 'provisioning'],
  people: [...foundations, 'storage', 'homeserver', 'provisioning', 'sessions'],
  verification: [...foundations, 'storage', 'outbound', 'upstream', 'homeserver', 'sessions'],
  metadata: [...foundations, 'upstream', 'http'],
  'sign-in': [...foundations, 'texts', 'upstream', 'provisioning', 'sessions', 'people', 'storage', 'http'],
  passthrough: [...foundations, 'storage', 'sessions', 'verification', 'sign-in'],
  // 5. The routes, which never know each other.
  'authorization-server': [...foundations, ...domain, 'texts', 'http'],
  'matrix-api': [...foundations, ...domain, 'texts', 'http'],
  account: [...foundations, ...domain, 'texts', 'http'],
  'verification-api': [...foundations, ...domain, 'texts', 'http'],
  admin: [...foundations, ...domain, 'texts', 'http'],
  // Looks at a set-up from outside, so it knows the configuration and asks through upstream/.
  doctor: [...foundations, 'config', 'outbound', 'upstream', 'metadata'],
};

const parts = Object.keys(mayImport);
const folder = (names) => `^src/(${names.join('|')})/`;

const partRules = parts.map((part) => ({
  name: `${part}-imports-only-its-foundations`,
  comment: `src/${part}/ may import ${['itself', ...mayImport[part]].join(', ')} of src/ and nothing else.`,
  severity: 'error',
  from: { path: folder([part]) },
  to: { path: '^src/', pathNot: folder([part, ...mayImport[part]]) },
}));

/** Package -> the only places that may import it. */
const packageRules = [
  ['express', ['^src/http/'], 'Handlers know requests and replies (http/exchange.ts), not Express.'],
  ['express-openapi-validator', ['^src/http/'], 'Requests are validated in one place.'],
  ['undici', ['^src/outbound/'], 'One hardened way out.'],
  ['pg', ['^src/storage/'], 'No SQL outside storage/.'],
  ['pg-.*', ['^src/storage/'], 'No SQL outside storage/.'],
  ['commander', ['^src/cli/'], 'Only the command line parses a command line.'],
  ['prom-client', ['^src/observability/'], 'Every metric is declared in one place.'],
].map(([name, places, comment]) => ({
  name: `${name.replace(/\W+$/, '')}-in-its-place`,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: places },
  to: { path: `(^|/)node_modules/(@types/)?${name}/` },
}));

export default {
  forbidden: [
    ...partRules,
    ...packageRules,
    {
      name: 'kysely-in-its-place',
      comment:
        'No SQL outside storage/: the domain passes a connection on (a type import), and builds no query (a lint rule).',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/' },
      to: { path: '(^|/)node_modules/kysely/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'sqlite-in-its-place',
      comment: 'No SQL outside storage/.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/' },
      to: { path: '^(node:)?sqlite$' },
    },
    {
      name: 'only-the-top-imports-the-composition-root',
      comment:
        'service.ts with its composition/, and cli/, import all; only index.ts and cli/ import service.ts, and only bin/ runs cli/.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(index\\.ts$|service\\.ts$|composition/|cli/)' },
      to: { path: '^src/(index\\.ts$|service\\.ts$|composition/|cli/)' },
    },
    {
      name: 'composition-root-below-the-command-line',
      comment: 'index.ts and service.ts know nothing of the command line, and nothing imports index.ts.',
      severity: 'error',
      from: { path: '^src/((index|service)\\.ts$|composition/)' },
      to: { path: '^src/(index\\.ts$|cli/)' },
    },
    {
      name: 'no-route-below-the-command-line',
      comment:
        'What the command line, the admin API and a route have in common is an operation of the domain.',
      severity: 'error',
      from: { path: '^src/(cli|doctor)/' },
      to: { path: '^src/(authorization-server|matrix-api|account|admin|verification-api)/' },
    },
    {
      name: 'routes-verify-by-the-verdict',
      comment:
        'Handlers are given verify (verification/access-verdict.ts); which strategies it asks, composition/ decides.',
      severity: 'error',
      from: { path: '^src/(authorization-server|matrix-api|account|admin)/' },
      to: { path: '^src/verification/(own-token\\.ts$|verify\\.ts$|strategies/)' },
    },
    {
      name: 'no-file-outside-a-part',
      comment:
        'A source file stands in a part that this file names; only index.ts and service.ts stand at the root.',
      severity: 'error',
      from: {},
      to: {
        path: '^src/',
        pathNot: `^src/((${[...parts, 'composition', 'cli'].join('|')})/|(index|service)\\.ts$)`,
      },
    },
    {
      name: 'sources-import-sources',
      comment: 'src/ imports nothing of tests, demo, bench, scripts or build output.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|demo|bench|scripts|bin|dist)/' },
    },
    {
      name: 'no-development-dependency-in-sources',
      comment: 'What src/ imports is installed with the package.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'], pathNot: '/@types/' },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'Name it in package.json.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-cycles',
      comment: 'Type imports count too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is dead.',
      severity: 'error',
      from: { orphan: true, path: '^(src|demo|test|bench)/', pathNot: '^src/index\\.ts$' },
      to: {},
    },
    {
      name: 'reachable-from-the-top',
      comment:
        'A source file that the package, the command line and the generators cannot reach is dead, even if a test uses it.',
      severity: 'error',
      from: {
        path: '^(src/(index|service)\\.ts$|src/cli/main\\.ts$|src/verification/create-verifier\\.ts$|scripts/)',
      },
      to: {
        path: '^src/',
        pathNot: '^src/(index\\.ts$|service\\.ts$|cli/main\\.ts$|verification/create-verifier\\.ts$)',
        reachable: false,
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|var)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
    builtInModules: { add: ['node:sqlite'] },
  },
};
