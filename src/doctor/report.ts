/** What a visit of the doctor brought, in the form that machines read. Its version changes only if a member changes its meaning or goes. */
import type { Finding } from './finding.ts';
import type { ProbeResult } from './probe.ts';

export const REPORT_VERSION = 1;

/** 0: no errors. 1: errors. 2: the doctor could not do its work. */
export type ExitCode = 0 | 1 | 2;

export interface ReportBase {
  readonly version: typeof REPORT_VERSION;
  readonly exit_code: ExitCode;
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    readonly passed: number;
    readonly skipped: number;
  };
  /** Always in the same order. */
  readonly probes: readonly Pick<ProbeResult, 'name' | 'outcome' | 'why'>[];
  /** In the order of the probes. */
  readonly findings: readonly Finding[];
}

/** Adds up what the probes found. `couldNot`: the doctor could not do its work. */
export function summarise(probes: readonly ProbeResult[], couldNot = false): ReportBase {
  const findings = probes.flatMap((probe) => probe.findings);
  const count = (outcome: ProbeResult['outcome']): number =>
    probes.filter((probe) => probe.outcome === outcome).length;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return {
    version: REPORT_VERSION,
    exit_code: couldNot ? 2 : errors > 0 ? 1 : 0,
    summary: {
      errors,
      warnings: findings.length - errors,
      passed: count('passed'),
      skipped: count('skipped'),
    },
    probes: probes.map(({ name, outcome, why }) => ({
      name,
      outcome,
      ...(why === undefined ? {} : { why }),
    })),
    findings,
  };
}
