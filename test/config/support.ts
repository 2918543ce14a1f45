/** Configurations in folders of their own. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ConfigFault, type Fault } from '../../src/config/fault.ts';
import { inspectFile, parseConfig, type Environment, type Inspection } from '../../src/config/load.ts';

export type Json = Record<string, unknown>;

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with the given files, mode 0600. Removed after the tests of this file. */
export function makeFolder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    chmodSync(join(folder, name), 0o600);
  }
  return folder;
}

/** The least that a provider needs. */
export function provider(more: Json = {}): Json {
  return {
    id: 'main',
    issuer: 'https://idp.example.com',
    client_id: 'gatehouse',
    client_secret: 'idp-secret',
    ...more,
  };
}

/** The least that a configuration needs. Members that are `undefined` are left out. */
export function minimal(more: Json = {}): Json {
  const input: Json = {
    server_name: 'example.com',
    public_url: 'https://auth.example.com/',
    providers: [provider()],
    ...more,
  };
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** The faults of a configuration given as an object; empty if it holds. */
export function faultsOf(input: unknown, env: Environment = {}, baseDir = makeFolder()): readonly Fault[] {
  try {
    parseConfig(input, { baseDir, env });
    return [];
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
}

/** Writes the text to a file of its own and inspects it. */
export function inspectText(text: string | Buffer, env: Environment = {}): Inspection & { file: string } {
  const file = join(makeFolder({ 'gatehouse.yaml': text }), 'gatehouse.yaml');
  return { ...inspectFile(file, env), file };
}

/** The least configuration, with a provider that has more, or less: members that are `undefined` are left out. */
export function withProvider(more: Json): Json {
  return minimal({ providers: [provider(more)] });
}

/** What is written, where the fault is, what it says, what it says to do, and whether further faults follow from it. */
export type FaultCase = [
  name: string,
  input: Json,
  path: string,
  problem: RegExp,
  remedy: RegExp,
  more?: 'and more',
];

/** A test for each case: the fault is there, says what it should, and is the only one. */
export function expectFaults(cases: readonly FaultCase[]): void {
  test.each(cases)('%s', (_name, input, path, problem, remedy, more) => {
    const faults = faultsOf(input);
    expect(faults).toContainEqual({
      path,
      problem: expect.stringMatching(problem) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
    if (more === undefined) expect(faults).toHaveLength(1);
  });
}
