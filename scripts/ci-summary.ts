/**
 * Adds up the reports that a CI run left in a folder and prints `N passed, N failed` as its last line; exit code 1 unless all passed.
 * A stage is `NAME.exit` (its exit code) and, if it got that far, `NAME.json`: vitest's report, or the counts of scripts/check.ts.
 *
 *   node scripts/ci-summary.ts FOLDER
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** As much as is read of vitest's JSON reporter, and of scripts/check.ts. */
interface Report {
  readonly passed?: number;
  readonly failed?: number;
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly testResults?: readonly { status: string; assertionResults: readonly { status: string }[] }[];
}

/** The counts of one stage. One that failed without naming a failure counts as one failure. */
export function stageCounts(exitCode: number, report: Report | undefined): Counts {
  const passed = report?.passed ?? report?.numPassedTests ?? 0;
  const named = report?.failed ?? report?.numFailedTests ?? 0;
  const unloadable = (report?.testResults ?? []).filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = named + unloadable;
  return { passed, failed: exitCode !== 0 && failed === 0 ? 1 : failed };
}

if (import.meta.main) {
  const folder = process.argv[2] ?? '.';
  const stages = readdirSync(folder)
    .filter((name) => name.endsWith('.exit'))
    .map((name) => name.slice(0, -'.exit'.length));
  let total: Counts = { passed: 0, failed: 0 };
  for (const stage of stages) {
    const file = join(folder, `${stage}.json`);
    const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
    const { passed, failed } = stageCounts(
      Number(readFileSync(join(folder, `${stage}.exit`), 'utf8')),
      report,
    );
    console.log(`${stage}: ${passed} passed, ${failed} failed`);
    total = { passed: total.passed + passed, failed: total.failed + failed };
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}
