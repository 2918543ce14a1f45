import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import house from './scripts/eslint-rules.js';

/**
 * What `src/` may not do, one entry a ban, and where it may all the same. ESLint's `no-restricted-*` rules replace each other
 * rather than add up, so they are put together here for each area.
 */
const clockOnly = 'Time and randomness are arguments: take a Clock or a Random (src/protocol/clock.ts).';
const wayOut = 'What leaves the process goes through src/outbound/.';
const configOnly = 'Take a plain value: only src/config and src/cli read the environment.';
const oneBearerParser = 'src/http/bearer.ts reads the Authorization header: use readAuthorization.';
const pageRefusal =
  'A page refuses with a PageRefusal (src/http/pages/page-refusal.ts); errors of the wire are for programs.';
const sqlInStorage = 'No SQL outside src/storage: write a function there.';

const bans = {
  clock: {
    properties: [
      ...[
        ['Date', 'now'],
        ['Math', 'random'],
        ['performance', 'now'],
        ['performance', 'timeOrigin'],
        ['process', 'hrtime'],
        ['process', 'uptime'],
      ].map(([object, property]) => ({ object, property, message: clockOnly })),
      ...['randomBytes', 'randomUUID', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'].map(
        (property) => ({
          property,
          message: clockOnly,
        }),
      ),
    ],
    imports: [
      {
        name: 'node:crypto',
        importNames: [
          'randomBytes',
          'randomUUID',
          'randomInt',
          'randomFill',
          'randomFillSync',
          'getRandomValues',
        ],
        message: clockOnly,
      },
      { name: 'node:perf_hooks', message: clockOnly },
      { name: 'crypto', message: 'Write node:crypto.' },
    ],
    syntax: [
      { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clockOnly },
      { selector: "CallExpression[callee.name='Date']", message: clockOnly },
    ],
  },
  environment: {
    properties: [{ object: 'process', property: 'env', message: configOnly }],
    imports: [{ name: 'node:process', importNames: ['env'], message: configOnly }],
  },
  outbound: {
    globals: ['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource'].map((name) => ({
      name,
      message: wayOut,
    })),
    properties: [{ object: 'globalThis', property: 'fetch', message: wayOut }],
    imports: ['node:http', 'node:https'].map((name) => ({
      name,
      importNames: ['request', 'get', 'Agent'],
      message: wayOut,
    })),
    syntax: [
      {
        selector: 'CallExpression[callee.object.name=/^https?$/][callee.property.name=/^(request|get)$/]',
        message: wayOut,
      },
    ],
  },
  sql: {
    syntax: [
      {
        selector:
          'CallExpression[callee.property.name=/^(selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto|executeQuery|selectNoFrom)$/]',
        message: sqlInStorage,
      },
      { selector: "TaggedTemplateExpression[tag.name='sql']", message: sqlInStorage },
    ],
  },
  bearer: {
    syntax: [
      { selector: 'Literal[regex.pattern=/bearer/i]', message: oneBearerParser },
      {
        selector:
          'CallExpression[callee.property.name=/^(startsWith|split|replace|replaceAll|indexOf|match)$/] > Literal[value=/^bearer *$/i]',
        message: oneBearerParser,
      },
      { selector: 'BinaryExpression > Literal[value=/^bearer +$/i]', message: oneBearerParser },
    ],
  },
  names: {
    syntax: [
      { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
      {
        selector:
          ':matches(ClassDeclaration, TSInterfaceDeclaration, TSTypeAliasDeclaration) > Identifier.id[name=/.(Manager|Helper|Util|Utils|Service|Impl)$/]',
        message: 'Name it by what it is in the domain.',
      },
      { selector: 'TSInterfaceDeclaration > Identifier.id[name=/^I[A-Z][a-z]/]', message: 'No I prefix.' },
    ],
  },
  barrels: {
    syntax: [
      {
        selector: 'ExportAllDeclaration',
        message: 'No barrels but src/index.ts: import from the file itself.',
      },
      {
        selector: 'ExportNamedDeclaration[source]',
        message: 'No barrels but src/index.ts: import from the file itself.',
      },
    ],
  },
};

/** Files that only people see: what they refuse is said on a page. The two endpoints that programs see too put both into one `PageRefusal`. */
const pages = [
  'src/account/**/*.ts',
  'src/authorization-server/consent/**/*.ts',
  'src/authorization-server/device/device-{decision,page,verification}.ts',
  'src/http/csrf.ts',
  'src/http/pages/**/*.ts',
  'src/matrix-api/login/sso-confirmation*.ts',
  'src/matrix-api/user-interactive/{confirm,pages}.ts',
  'src/sign-in/{callback,choose-provider,current}.ts',
];

/** The `no-restricted-*` rules of an area: every ban but those that it is free of. */
function restricted(free = []) {
  const of = (kind) =>
    Object.entries(bans).flatMap(([name, ban]) => (free.includes(name) ? [] : (ban[kind] ?? [])));
  return {
    'no-restricted-globals': ['error', ...of('globals')],
    'no-restricted-properties': ['error', ...of('properties')],
    'no-restricted-imports': ['error', { paths: of('imports') }],
    'no-restricted-syntax': ['error', ...of('syntax')],
  };
}

export default defineConfig(
  globalIgnores(['dist/', 'var/', 'coverage/', 'src/generated/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' }, plugins: { house } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // Control characters are what half of our patterns refuse.
      'no-control-regex': 'off',
      'no-console': 'error',
      'house/kebab-file': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // `async` without `await` turns a throw into a rejection, which is what a Promise-returning function promises.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { ...restricted(), 'house/exported-doc': 'error', 'max-lines': ['error', { max: 400 }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/http/pages/page.ts'],
    rules: { 'house/text-key': 'error' },
  },
  {
    files: pages,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/oauth-error.ts', '**/matrix-error.ts'],
              importNames: ['OAuthError', 'MatrixError'],
              allowTypeImports: true,
              message: pageRefusal,
            },
          ],
        },
      ],
    },
  },
  { files: ['src/protocol/clock.ts'], rules: restricted(['clock']) },
  { files: ['src/config/**/*.ts'], rules: restricted(['environment']) },
  { files: ['src/cli/**/*.ts'], rules: { ...restricted(['environment']), 'no-console': 'off' } },
  { files: ['src/outbound/**/*.ts'], rules: restricted(['outbound']) },
  { files: ['src/http/bearer.ts', 'src/observability/redaction.ts'], rules: restricted(['bearer']) },
  // Record functions say all in their names and types.
  { files: ['src/storage/**/*.ts'], rules: { ...restricted(['sql']), 'house/exported-doc': 'off' } },
  // The entries of the package.
  { files: ['src/index.ts', 'src/verification/create-verifier.ts'], rules: restricted(['barrels']) },
  {
    // Answers of a peer are `any` until a test has looked at them; the expectation is the check.
    files: ['test/**/*.ts', 'demo/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // openid-client marks `allowInsecureRequests` so, only to make it stand out; peers run on loopback.
      '@typescript-eslint/no-deprecated': 'off',
    },
  },
  {
    files: ['demo/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', 'test/peers/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
