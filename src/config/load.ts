/** Reads file and environment, and returns a valid configuration or all of its faults. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { applyEnvironment } from './environment.ts';
import { lostKeyFault } from './encryption-key.ts';
import { explain } from './explain.ts';
import { explainFileError } from './file-fault.ts';
import { ConfigFault, formatPath, type Fault, type KeyPath, type Report, type Warning } from './fault.ts';
import { reportNotBuilt } from './not-built.ts';
import { readYaml, type SourcePlace } from './read-yaml.ts';
import { checkRules, checkWarnings, DEFAULT_HOST, DEFAULT_PORT } from './rules.ts';
import { configSchema, type Config, type ConfigInput, type DeepPartial } from './schema.ts';
import { readSecrets, secretsInPlace, type SecretContext } from './secrets.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import { DEFAULT_DATABASE } from './sections/database.ts';
import { createSources } from './sources.ts';
import { freezeDeep, isMapping, valueAt, without, type Mapping } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The result of checking a configuration. `config` is set exactly when there are no faults. */
export interface Inspection {
  readonly config?: Config;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Warning[];
}

export interface ParseOptions {
  /** Folder against which relative paths are resolved: that of the configuration file. */
  readonly baseDir: string;
  /** Environment with overrides; none by default. */
  readonly env?: Environment;
}

/**
 * Reads and checks a configuration file, exactly as the start of the service does.
 *
 * @throws ConfigFault with all faults, each with its path and its remedy.
 */
export function loadConfig(file: string, env: Environment = process.env): Config {
  return configOf(inspectFile(file, env), file);
}

/** Like {@link loadConfig}, for a configuration given as plain objects with the keys of the file. */
export function parseConfig(input: unknown, options: ParseOptions): Config {
  return configOf(inspectTree(input, options, () => undefined));
}

/** Like {@link loadConfig}, without throwing, and with the warnings. */
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
  const problem = `can be read by everybody on this machine, and contains ${secrets.join(', ')}`;
  const warning = { path: file, problem, remedy: `Run: chmod o= ${file}` };
  return { ...inspection, warnings: [...inspection.warnings, warning] };
}

function configOf({ config, faults }: Inspection, file?: string): Config {
  if (config === undefined) throw new ConfigFault(faults, file);
  return config;
}

function inspectTree(
  input: unknown,
  { baseDir, env = {} }: ParseOptions,
  placeOf: (path: KeyPath) => SourcePlace | undefined,
): Inspection {
  const faults: Fault[] = [];
  const warnings: Warning[] = [];
  const tree: unknown = structuredClone(input ?? {});
  if (!isMapping(tree)) {
    const remedy = 'Start with `server_name: example.com`.';
    return {
      faults: [{ path: '(whole file)', problem: 'is not a mapping of keys to values', remedy }],
      warnings,
    };
  }
  const environment = applyEnvironment(configSchema, tree, env);
  for (const { name, problem, remedy } of environment.faults) faults.push({ path: name, problem, remedy });
  const sources = createSources(environment.origins, placeOf);
  const into =
    (list: Fault[]): Report =>
    (path, problem, remedy) => {
      const { note, place } = sources.of(path);
      list.push({ path: formatPath(path), problem: problem + note, remedy, ...place });
    };
  const report = into(faults);

  readAllSecrets(tree, { baseDir, report, warn: into(warnings), sources });
  const parsed = configSchema.safeParse(tree);
  const broken = parsed.success ? [] : explain(configSchema, tree, parsed.error.issues, report);
  const sound = without(tree, broken) as DeepPartial<ConfigInput>;
  // Invalid values are not checked again: they would only seem to be missing.
  const brokenKeys = new Set(broken.map((path) => formatPath(path)));
  const reportRule: Report = (path, problem, remedy) => {
    if (!brokenKeys.has(formatPath(path))) report(path, problem, remedy);
  };
  checkRules(sound, reportRule);
  if (!broken.some(([section]) => section === 'database')) {
    checkDatabaseFiles(sound, databaseFileOf(tree, baseDir), reportRule);
  }
  reportNotBuilt(sound, reportRule);
  checkWarnings(sound, into(warnings));
  if (!parsed.success || faults.length > 0) return { faults: inOrder(faults), warnings };
  return { config: finish(parsed.data, baseDir), faults, warnings };
}

/** The SQLite file; `undefined` if the database is another one, or the value is invalid. */
function databaseFileOf(tree: Mapping, baseDir: string): string | undefined {
  const url = valueAt(tree, ['database', 'url']) ?? DEFAULT_DATABASE;
  return typeof url === 'string' && url.startsWith('sqlite:') ? resolve(baseDir, sqliteFile(url)) : undefined;
}

function readAllSecrets(tree: Mapping, options: Omit<SecretContext, 'mayBeAbsent'>): void {
  // The database first: whether the key may be absent depends on it.
  readSecrets(configSchema.pick({ database: true }), tree, { ...options, mayBeAbsent: () => false });
  const database = databaseFileOf(tree, options.baseDir);
  if (database !== undefined && tree.encryption_key === undefined) {
    if (tree.encryption_key_file === undefined)
      tree.encryption_key_file = join(dirname(database), 'gatehouse.key');
  }
  const mayBeAbsent = ([key]: KeyPath): boolean => key === 'encryption_key_file' && database !== undefined;
  readSecrets(configSchema.omit({ database: true }), tree, { ...options, mayBeAbsent });
}

/** Checks what the first start needs: the folder of the database, and a key that fits it. */
function checkDatabaseFiles(
  sound: DeepPartial<ConfigInput>,
  database: string | undefined,
  report: Report,
): void {
  if (database === undefined) return;
  const folder = dirname(database);
  // The database creates its own files, but not their folder.
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    report(
      ['database', 'url'],
      `is in the folder ${folder}, which does not exist`,
      `Run: mkdir -p ${folder}`,
    );
  }
  const { encryption_key: key, encryption_key_file: keyFile } = sound;
  const lost = key === undefined && keyFile !== undefined ? lostKeyFault(keyFile, database) : undefined;
  if (lost !== undefined) report(['encryption_key_file'], lost.problem, lost.remedy);
}

type Parsed = ReturnType<typeof configSchema.parse>;

/** Fills in values that depend on more than one key, makes paths absolute, and freezes the result. */
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

/** In the order of the file; faults without a place last. */
function inOrder(faults: Fault[]): Fault[] {
  return faults.toSorted((one, other) => (one.line ?? Infinity) - (other.line ?? Infinity) || 0);
}

function readText(path: string): string | Fault {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const { problem, remedy } = explainFileError(error);
    return { path, problem, remedy: remedy.replace(/\.$/, ', or name another file with --config FILE.') };
  }
}
