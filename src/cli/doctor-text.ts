/** The doctor's reports as text for a terminal. */
import type { ProviderReport } from '../doctor/judge-provider.ts';
import type { Report } from '../doctor/diagnose.ts';
import type { Finding } from '../doctor/finding.ts';
import type { ReportBase } from '../doctor/report.ts';

/** A short summary if all is well, else every finding with its remedy. */
export function formatReport(report: Report): string {
  return join([
    ...report.findings.map(formatFinding),
    report.findings.length === 0 ? `No problems found: ${countProbes(report)}.` : formatCounts(report),
    ...(report.who_cannot_sign_in === null ? [] : [report.who_cannot_sign_in]),
    ...report.providers.flatMap(({ id, issuer, preset, pkce, register, last_good: { metadata } }) => [
      `  provider ${id}: ${issuer} (${preset}), PKCE ${pkce ?? 'unknown'}, last good documents ${metadata === null ? 'none yet' : `of ${metadata}`}`,
      `    at the provider: redirect URI ${register.redirect_uri}, back-channel logout URI ${register.backchannel_logout_uri}`,
    ]),
  ]);
}

/** What fits a provider, what it lacks, and how its configuration begins. */
export function formatProviderReport(report: ProviderReport): string {
  const { provider } = report;
  const findings = report.findings.map(formatFinding);
  if (provider === null) return join([...findings, `${report.source}: no metadata could be read.`]);
  const { preset, modes, missing } = provider;
  const verdict = (name: 'facade' | 'passthrough'): string[] => [
    `mode ${name}: ${modes[name].fits ? 'fits' : 'does not fit'}`,
    ...modes[name].reasons.map((reason) => `  - ${reason}`),
  ];
  return join([
    ...findings,
    `issuer: ${provider.issuer}`,
    `preset: ${preset.name} (${preset.title}, ${preset.evidence})`,
    ...preset.notes.map((note) => `  - ${note}`),
    ...verdict('facade'),
    ...verdict('passthrough'),
    ...(missing.length === 0 ? [] : ['missing in its metadata:']),
    ...missing.map(({ member, consequence }) => `  - ${member}: ${consequence}`),
    'an entry to start with:',
    ...provider.configuration
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ]);
}

function formatFinding(finding: Finding): string {
  const { code, severity, subject, probed, expected, seen, remedy, docs } = finding;
  return join([
    `${severity}: ${code} (${subject})`,
    `  probed:   ${probed}`,
    `  expected: ${expected}`,
    `  seen:     ${seen}`,
    `  -> ${remedy}`,
    `     ${docs}`,
    '',
  ]);
}

function formatCounts(report: ReportBase): string {
  const { errors, warnings } = report.summary;
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const counts = `${count(errors, 'error')}, ${count(warnings, 'warning')}; ${countProbes(report)}.`;
  return report.exit_code === 2 ? `${counts} Nothing else was checked: fix the configuration first.` : counts;
}

function countProbes({ summary: { passed, skipped }, probes }: ReportBase): string {
  return `${passed} of ${probes.length} probes passed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** Text of strangers reaches the terminal without its control characters. */
function join(lines: readonly string[]): string {
  return lines.join('\n').replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?');
}
