/** How far the provider's clock is from ours, by the `Date` of its answers (RFC 9110 section 6.6.1). */
import type { Answered } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { providerFinding, type ProviderContext } from './context.ts';

/** The most that `clock_tolerance_seconds` may be, and how much more than the difference it should be. */
const MOST_TOLERANCE = 300;
const SPARE_SECONDS = 15;

/** A finding if the clocks differ by more than the checks forgive. The first answer that says its time counts. */
export function judgeClock(
  context: ProviderContext,
  answers: readonly (Answered & { readonly receivedAt: number })[],
): ProbeVerdict {
  for (const { answer, probed, tookMs, receivedAt } of answers) {
    const date = Date.parse(answer.headers['date'] ?? '');
    if (!Number.isFinite(date)) continue;
    const age = Number(/^\s*(\d+)/.exec(answer.headers['age'] ?? '')?.[1] ?? 0);
    // Sent somewhere between request and answer, and rounded down to the second.
    const skew = Math.round((date + age * 1000 + 500 - (receivedAt - tookMs / 2)) / 1000);
    if (Math.abs(skew) <= context.settings.clockTolerance) return [];
    const direction = skew > 0 ? 'ahead of' : 'behind';
    return [
      providerFinding(context, {
        code: 'provider.clock_skew',
        probed,
        expected: `the provider's clock within ${context.settings.clockTolerance} seconds of the local clock`,
        seen: `it is ${Math.abs(skew)} seconds ${direction} ours`,
        remedy: `Set the clock of both machines by NTP (chronyc tracking, timedatectl): ID tokens are refused otherwise.${interim(context, Math.abs(skew))}`,
      }),
    ];
  }
  return { skipped: 'no answer of the provider says its time' };
}

function interim({ place }: ProviderContext, skew: number): string {
  const enough = skew + SPARE_SECONDS;
  return enough > MOST_TOLERANCE
    ? ''
    : ` Until then, write \`clock_tolerance_seconds: ${enough}\` in ${place}.`;
}
