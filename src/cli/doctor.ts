/** `gatehouse doctor`: everything that is wrong with a set-up, or with a provider, and how to fix it. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspectFile, type Environment } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import { diagnose, type OutboxBacklog, type StoredDocumentAge } from '../doctor/diagnose.ts';
import { judgeProviderFile, judgeProviderUrl, UnreadableSource } from '../doctor/judge-provider.ts';
import type { DoctorDeps } from '../doctor/probe.ts';
import type { ExitCode } from '../doctor/report.ts';
import { systemClock, systemRandom } from '../protocol/clock.ts';
import { readIdpDocumentAges, readOutboxBacklog } from '../storage/maintenance.ts';
import { lendToken } from './doctor-token.ts';
import { formatProviderReport, formatReport } from './doctor-text.ts';
import { showProgress } from './progress.ts';

export interface DoctorOptions {
  /** JSON on standard output, and nothing else. */
  readonly json: boolean;
}

/** Runs the command: judges a provider if one is named, else the set-up. Exit code 2 also if the doctor itself fails. */
export async function examine(
  what: { readonly file: string; readonly provider?: string | undefined },
  env: Environment,
  options: DoctorOptions,
): Promise<ExitCode> {
  try {
    return what.provider === undefined
      ? await examineSetup(what.file, env, options)
      : await examineProviderSource(what.provider, options);
  } catch (error) {
    console.error(`gatehouse: the doctor failed: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
}

/**
 * Examines the set-up of a configuration file and prints what was found to standard output. Returns the exit code: 0 if nothing breaks
 * sign-in, 1 if something does, 2 if the configuration has faults, so that nothing else could be asked.
 */
async function examineSetup(file: string, env: Environment, options: DoctorOptions): Promise<ExitCode> {
  return withProgress(options, async (deps) => {
    const report = await diagnose(deps, {
      file: resolve(file),
      inspection: inspectFile(file, env),
      readStored,
      readBacklog,
      withToken: lendToken,
    });
    console.log(options.json ? JSON.stringify(report, undefined, 2) : formatReport(report));
    return report.exit_code;
  });
}

/** Judges a provider by a URL, or by a file with its metadata. Returns 0 if it fits, 1 if not, 2 if nothing could be read. */
async function examineProviderSource(source: string, options: DoctorOptions): Promise<ExitCode> {
  return withProgress(options, async (deps) => {
    try {
      const report = /^https?:\/\//i.test(source)
        ? await judgeProviderUrl(deps, urlOf(source))
        : await judgeProviderFile(deps, source, textOf(source));
      console.log(options.json ? JSON.stringify(report, undefined, 2) : formatProviderReport(report));
      return report.exit_code;
    } catch (error) {
      if (!(error instanceof UnreadableSource)) throw error;
      console.error(`gatehouse: ${error.message}`);
      return 2;
    }
  });
}

async function withProgress(
  { json }: DoctorOptions,
  work: (deps: DoctorDeps) => Promise<ExitCode>,
): Promise<ExitCode> {
  const progress = process.stderr.isTTY && !json ? showProgress(process.stderr) : undefined;
  try {
    return await work({ clock: systemClock, random: systemRandom, onProgress: progress?.update });
  } finally {
    progress?.clear();
  }
}

/** None if there is no database yet. */
async function readStored({ database: { url } }: Config): Promise<readonly StoredDocumentAge[]> {
  if (url.startsWith('sqlite:') && !existsSync(sqliteFile(url))) return [];
  return readIdpDocumentAges(url);
}

/** Nothing waits if there is no database yet. */
async function readBacklog({ database: { url } }: Config): Promise<OutboxBacklog> {
  if (url.startsWith('sqlite:') && !existsSync(sqliteFile(url))) return { entries: 0, oldest: null };
  return readOutboxBacklog(url);
}

function urlOf(source: string): string {
  const url = URL.parse(source);
  if (url === null || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new UnreadableSource(
      '--provider: not an issuer: it must be a URL without user name, query and fragment',
    );
  }
  return source;
}

function textOf(source: string): string {
  try {
    return readFileSync(source, 'utf8');
  } catch (error) {
    throw new UnreadableSource(`${source} cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`);
  }
}
