/** What is wrong with a configuration, and how to fix it. */

/** Where in the configuration: keys, and indexes of lists. */
export type KeyPath = readonly (string | number)[];

/** One fault that must be fixed before the service can start. Never contains the value of a secret. */
export interface Fault {
  /** The key, written as `providers[0].client_id`; the name of an environment variable; or the file. */
  readonly path: string;
  /** The value that was found and the rule that it breaks. */
  readonly problem: string;
  /** How to fix it, in one sentence. */
  readonly remedy: string;
  /** Line and column in the configuration file, from 1, if they are known. */
  readonly line?: number;
  readonly column?: number;
}

/** A setting that works but is probably not what the operator intended. */
export type Warning = Fault;

/** Receives each fault while a configuration is checked. */
export type Report = (path: KeyPath, problem: string, remedy: string) => void;

/** The exit code of every command that is given an unusable configuration. */
export const CONFIG_FAULTY = 2;

/** A configuration that cannot be used. Contains every fault, not only the first one. */
export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly faults: readonly Fault[];
  /** The configuration file, if there is one. */
  readonly file: string | undefined;

  constructor(faults: readonly Fault[], file?: string) {
    super(formatFaults(faults, file));
    this.faults = faults;
    this.file = file;
  }
}

/** A key as an operator writes and reads it: `providers[0].client_id`. */
export function formatPath(path: KeyPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

/** All faults as text for a terminal, several lines each. */
export function formatFaults(faults: readonly Fault[], file?: string): string {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  const head = file === undefined ? `the configuration has ${count}:` : `${file} has ${count}:`;
  return [head, ...faults.map((fault) => formatFault(fault))].join('\n');
}

/** One fault or warning as text for a terminal: where, what, and what to do. */
export function formatFault(fault: Fault): string {
  const place = fault.line === undefined ? '' : ` (line ${fault.line}, column ${fault.column ?? 1})`;
  return `  ${fault.path}${place}: ${fault.problem}\n    -> ${fault.remedy}`;
}
