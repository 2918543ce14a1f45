/** The code of the documentation for homeserver authors, as their compiler sees it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it, test } from 'vitest';
import { root } from '../../scripts/run.ts';

const page = readFileSync(join(root, 'docs/homeserver-authors.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
  language,
  code,
}));

const options: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)).config,
    ts.sys,
    root,
  ).options,
  // An excerpt need not use all that it declares.
  noUnusedLocals: false,
  noUnusedParameters: false,
  resolveJsonModule: true,
  allowImportingTsExtensions: true,
  rewriteRelativeImportExtensions: false,
  paths: { 'matrix-gatehouse': ['./src/index.ts'], 'matrix-gatehouse/openapi/*': ['./openapi/*'] },
};

/** What the compiler says of a module that stands in the checkout. */
function faultsOf(code: string): string[] {
  const file = join(root, 'example-of-the-documentation.ts');
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...more) =>
    name === file ? ts.createSourceFile(name, code, ts.ScriptTarget.ES2024) : getSourceFile(name, ...more);
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? code : readFile(name));
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

describe('docs/homeserver-authors.md', () => {
  it('has code in TypeScript alone', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['ts']));
  });

  test.each(blocks)('compiles: $code', { timeout: 60_000 }, ({ code }) => {
    expect(faultsOf(code)).toEqual([]);
  });

  test.each([
    ['a verdict that there is not', `(await verify('t')).kind === 'gone'`],
    ['a verdict that is not judged', `(await verify('t')).access`],
    ['an export that there is not', `(await import('matrix-gatehouse')).createSession`],
  ])('would not compile with %s', { timeout: 60_000 }, (_, expression) => {
    const code = `import type { Verify } from 'matrix-gatehouse';\ndeclare const verify: Verify;\nexport const a = ${expression};\n`;
    expect(faultsOf(code)).not.toEqual([]);
  });
});

test.each(
  ['openapi', 'openapi/resolved'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /\.(yaml|json)$/.test(name))
      .map((name) => `${folder}/${name}`),
  ),
)('the package offers %s', (file) => {
  const resolved = fileURLToPath(import.meta.resolve(`matrix-gatehouse/${file}`));
  expect(resolved).toBe(join(root, file));
  expect(existsSync(resolved)).toBe(true);
});

test('what the package offers is documented', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const documentation = pages.map((name) => readFileSync(join(root, 'docs', name), 'utf8')).join('\n');
  for (const entry of Object.keys(exports)) {
    if (entry === './package.json') continue;
    const specifier = `'matrix-gatehouse${entry.slice(1).replace('*', '')}`;
    expect(documentation, specifier).toContain(specifier);
  }
});
