/** `gatehouse doctor` as an operator runs it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../bin/gatehouse.js', import.meta.url));

/** As much as is read of its report. */
export interface DoctorReport {
  readonly findings: readonly { readonly code: string; readonly subject: string; readonly seen: string }[];
  readonly provider?: Record<string, unknown>;
}

/** Runs it and reads its JSON, whatever the exit code. */
export async function runDoctor(...args: string[]): Promise<DoctorReport> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [program, 'doctor', '--json', ...args],
      { timeout: 60_000 },
      (error, stdout, stderr) => {
        if (stdout === '') reject(new Error(`the doctor said nothing: ${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
  return JSON.parse(output) as DoctorReport;
}
