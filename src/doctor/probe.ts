/** One question that the doctor asks, and what became of it. */
import type { LookupFunction } from 'node:net';
import type { Clock, Random } from '../protocol/clock.ts';
import { mergeFindings, type Finding } from './finding.ts';

export interface ProbeResult {
  /** Stable: `provider main: metadata`. */
  readonly name: string;
  /** `skipped`: it could not be asked, or its answer tells nothing. */
  readonly outcome: 'passed' | 'findings' | 'skipped';
  /** Why it was skipped. */
  readonly why?: string;
  readonly findings: readonly Finding[];
}

/** What a probe comes back with: findings, none if all is well, or why it says nothing. */
export type ProbeVerdict = readonly Finding[] | { readonly skipped: string };

export interface DoctorDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Told when a probe begins and ends: for the terminal. */
  readonly onProgress?: ((name: string, state: 'begun' | 'ended') => void) | undefined;
  /** Name resolution; the system's by default. */
  readonly lookup?: LookupFunction | undefined;
  /** Total time of one request, in milliseconds. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Total time of one request, in milliseconds. */
export const REQUEST_LIMIT_MS = 5000;

/** Asks, and tells who watches. */
export async function runProbe(
  deps: Pick<DoctorDeps, 'onProgress'>,
  name: string,
  ask: () => Promise<ProbeVerdict> | ProbeVerdict,
): Promise<ProbeResult> {
  deps.onProgress?.(name, 'begun');
  try {
    const verdict = await ask();
    if ('skipped' in verdict) return { name, outcome: 'skipped', why: verdict.skipped, findings: [] };
    const findings = mergeFindings(verdict);
    return { name, outcome: findings.length === 0 ? 'passed' : 'findings', findings };
  } finally {
    deps.onProgress?.(name, 'ended');
  }
}
