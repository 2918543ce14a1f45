/** From file and environment to a configuration that holds, or to all of its faults. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { applyEnvironment } from './environment.ts';
import { explain } from './explain.ts';
import { ConfigFault, formatPath, type Fault, type KeyPath, type Report, type Warning } from './fault.ts';
import { reportNotBuilt } from './not-built.ts';
import { readYaml, type Place } from './read-yaml.ts';
import { checkRules, checkWarnings, DEFAULT_HOST, DEFAULT_PORT } from './rules.ts';
import { configSchema, type Config, type ConfigInput, type DeepPartial } from './schema.ts';
import { readSecret, readSecrets, secretsInPlace, type SecretContext } from './secrets.ts';
import { sqliteFile } from './sections/database.ts';
import { freezeDeep, isMapping, valueAt, without, type Mapping } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a look at a configuration found. `config` is there exactly when there are no faults. */
export interface Inspection {
  readonly config?: Config;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Warning[];
}

export interface ParseOptions {
  /** Folder that relative paths count from: that of the configuration file. */
  readonly baseDir: string;
  /** Environment with overrides; none by default. */
  readonly env?: Environment;
}

/**
 * Reads and checks a configuration file, exactly as the start of the service does.
 *
 * @throws ConfigFault with every fault, each with its path and its mend.
 */
export function loadConfig(file: string, env: Environment): Config {
  return configOf(inspectFile(file, env), file);
}

/** As {@link loadConfig}, for a configuration that is there already as plain objects, with the keys of the file. */
export function parseConfig(input: unknown, options: ParseOptions): Config {
  return configOf(inspectTree(input, options, () => undefined));
}

/** As {@link loadConfig}, without throwing, and with the warnings. */
export function inspectFile(file: string, env: Environment): Inspection {
  const path = resolve(file);
  const text = readText(path);
  if (typeof text !== 'string') return { faults: [text], warnings: [] };
  const result = readYaml(text, file);
  if (!result.ok) return { faults: result.faults, warnings: [] };
  const { tree, placeOf } = result.yaml;
  const inspection = inspectTree(tree, { baseDir: dirname(path), env }, placeOf);
  const secrets = secretsInPlace(configSchema, tree);
  const [first] = secrets;
  if (first === undefined || ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o007) === 0) {
    return inspection;
  }
  const problem = `may be opened by everybody on this machine, and holds ${secrets.join(', ')}`;
  const warning = { path: file, problem, mend: `Run: chmod o= ${file}` };
  return { ...inspection, warnings: [...inspection.warnings, warning] };
}

function configOf({ config, faults }: Inspection, file?: string): Config {
  if (config === undefined) throw new ConfigFault(faults, file);
  return config;
}

function inspectTree(
  input: unknown,
  { baseDir, env = {} }: ParseOptions,
  placeOf: (path: KeyPath) => Place | undefined,
): Inspection {
  const faults: Fault[] = [];
  const warnings: Warning[] = [];
  const tree: unknown = structuredClone(input ?? {});
  if (!isMapping(tree)) {
    const mend = 'Begin with `server_name: example.com`.';
    return {
      faults: [{ path: '(whole file)', problem: 'is not a mapping of keys to values', mend }],
      warnings,
    };
  }
  const { origins, faults: environmentFaults } = applyEnvironment(configSchema, tree, env);
  for (const { name, problem, mend } of environmentFaults) faults.push({ path: name, problem, mend });

  const into =
    (list: Fault[]): Report =>
    (path, problem, mend) => {
      const origin = originOf(origins, path);
      const place = origin === undefined ? placeOf(path) : undefined;
      const source = origin === undefined ? '' : ` (set by ${origin})`;
      list.push({ path: formatPath(path), problem: problem + source, mend, ...place });
    };
  const report = into(faults);

  readAllSecrets(tree, { baseDir, report, warn: into(warnings), origins });
  const parsed = configSchema.safeParse(tree);
  const broken = parsed.success ? [] : explain(configSchema, tree, parsed.error.issues, report);
  const sound = without(tree, broken) as DeepPartial<ConfigInput>;
  checkRules(sound, report);
  checkFolders(sound, baseDir, report);
  reportNotBuilt(sound, report);
  checkWarnings(sound, into(warnings));
  if (!parsed.success || faults.length > 0) return { faults: inOrder(faults), warnings };
  return { config: finish(parsed.data, baseDir), faults, warnings };
}

/** The variable that set a key, or something above it. */
function originOf(origins: ReadonlyMap<string, string>, path: KeyPath): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(formatPath(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function readAllSecrets(
  tree: Mapping,
  options: { baseDir: string; report: Report; warn: Report; origins: ReadonlyMap<string, string> },
): void {
  const usesSqlite = (): boolean => databaseUrl(tree).startsWith('sqlite:');
  const context: SecretContext = {
    baseDir: options.baseDir,
    report: options.report,
    warn: options.warn,
    mayBeAbsent: (path) => path[0] === 'encryption_key_file' && usesSqlite(),
    nameOf: (path) => options.origins.get(formatPath(path)) ?? `\`${formatPath(path)}\``,
  };
  // The database first: whether the key may be absent depends on it.
  readSecrets(configSchema.pick({ database: true }), tree, context);
  if (!Object.hasOwn(tree, 'encryption_key') && !Object.hasOwn(tree, 'encryption_key_file') && usesSqlite()) {
    const database = resolve(options.baseDir, sqliteFile(databaseUrl(tree)));
    tree.encryption_key_file = join(dirname(database), 'gatehouse.key');
  }
  readSecret(tree, 'encryption_key', 'encryption_key_file', context, []);
  readSecrets(
    configSchema.omit({ database: true, encryption_key: true, encryption_key_file: true }),
    tree,
    context,
  );
}

function databaseUrl(tree: unknown): string {
  const url = valueAt(tree, ['database', 'url']) ?? 'sqlite:gatehouse.db';
  return typeof url === 'string' ? url : '';
}

/** The database makes its own files, but not the folder they are in. */
function checkFolders(sound: DeepPartial<ConfigInput>, baseDir: string, report: Report): void {
  const url = databaseUrl(sound);
  if (!url.startsWith('sqlite:')) return;
  const folder = dirname(resolve(baseDir, sqliteFile(url)));
  const status = statSync(folder, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) {
    report(
      ['database', 'url'],
      `is in the folder ${folder}, which does not exist`,
      `Run: mkdir -p ${folder}`,
    );
  }
}

type Parsed = ReturnType<typeof configSchema.parse>;

/** Fills in what depends on more than one key, makes paths absolute, and freezes. */
function finish(parsed: Parsed, baseDir: string): Config {
  const { url } = parsed.database;
  const { listen } = parsed;
  return freezeDeep({
    ...parsed,
    listen:
      listen.socket === undefined
        ? {
            ...listen,
            socket: undefined,
            host: listen.host ?? DEFAULT_HOST,
            port: listen.port ?? DEFAULT_PORT,
          }
        : { ...listen, socket: resolve(baseDir, listen.socket), host: undefined, port: undefined },
    database: {
      ...parsed.database,
      url: url.startsWith('sqlite:') ? `sqlite:${resolve(baseDir, sqliteFile(url))}` : url,
    },
  });
}

/** Top of the file first; what has no place in it last. */
function inOrder(faults: Fault[]): Fault[] {
  return faults.toSorted((one, other) => (one.line ?? Infinity) - (other.line ?? Infinity) || 0);
}

function readText(path: string): string | Fault {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') {
      return { path, problem: 'does not exist', mend: 'Make it, or name another one with --config FILE.' };
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return {
        path,
        problem: 'may not be read',
        mend: 'Give the user of this service the right to read it.',
      };
    }
    if (code === 'EISDIR') return { path, problem: 'is a folder', mend: 'Name the file in it.' };
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      return { path, problem: 'is not UTF-8 text', mend: 'Save it as UTF-8.' };
    }
    return { path, problem: `cannot be read (${code ?? 'unknown error'})`, mend: 'Check the file.' };
  }
}
