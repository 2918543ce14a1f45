/** What the probes of one provider share. */
import type { Clock, Random } from '../../protocol/clock.ts';
import { usesOpenId } from '../../upstream/login/authorization-url.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import type { ResolvedSettings } from '../../upstream/resolved-settings.ts';
import { finding, type Facts, type Finding, type FindingCode } from '../finding.ts';
import type { Look } from '../look.ts';
import type { WrongAnswer } from '../wrong-answer.ts';

/** For each template of `claims.localpart`, in the order in which they are tried, the claims that it reads. */
export type LocalpartClaims = readonly (readonly string[])[];

export interface ProviderContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly outbound: Outbound;
  readonly settings: ResolvedSettings;
  /** `provider main`. */
  readonly subject: string;
  /** Where its settings stand in the configuration: `providers[0]`. */
  readonly place: string;
  /** Ours, to be registered there. */
  readonly redirectUri: string;
}

/** A finding about this provider. */
export function providerFinding(
  { subject }: Pick<ProviderContext, 'subject'>,
  facts: Omit<Facts, 'subject'>,
): Finding {
  return finding({ subject, ...facts });
}

/** An answer slower than this is worth saying, in milliseconds. */
const SLOW_MS = 2000;

/** A finding if the answer took long. */
export function slowFinding(context: ProviderContext, answer: Look): Finding[] {
  if ('fault' in answer || answer.tookMs < SLOW_MS) return [];
  return [
    providerFinding(context, {
      code: 'provider.slow',
      probed: answer.probed,
      expected: `an answer within ${SLOW_MS / 1000} seconds`,
      seen: `an answer after ${(answer.tookMs / 1000).toFixed(1)} seconds`,
      remedy: `Find out why the provider is slow; a request is given up after ${context.settings.timeoutMs / 1000} seconds (\`timeout_seconds\`).`,
    }),
  ];
}

/** A finding about an answer that is not what was asked for. `member`: the metadata member that named the URL. */
export function wrongAnswerFinding(
  context: ProviderContext,
  answer: Look,
  wrong: WrongAnswer,
  member?: string,
): Finding {
  return providerFinding(context, {
    code: `provider.${wrong.kind}` satisfies FindingCode,
    probed: answer.probed,
    expected: 'an answer in JSON',
    seen: wrong.seen,
    remedy:
      remedyFor(context, wrong, member) + (member === 'userinfo_endpoint' ? withoutUserinfo(context) : ''),
  });
}

/** Sign-in can do without userinfo if there is an ID token. A sentence of its own, or nothing. */
export function withoutUserinfo({ settings, place }: ProviderContext): string {
  if (!usesOpenId(settings)) return '';
  return ` If ID tokens have the claims of \`${place}.claims\`, write \`fetch_userinfo: false\` in ${place}.`;
}

const PLAIN =
  ' A provider of plain OAuth 2.0 has no metadata: write `preset: oauth2`, and its endpoints in `discovery.overrides`.';

function remedyFor({ place }: ProviderContext, wrong: WrongAnswer, member: string | undefined): string {
  const override = member === undefined ? undefined : `\`${place}.discovery.overrides.${member}\``;
  switch (wrong.kind) {
    case 'unreachable':
      if (wrong.hint !== undefined) return wrong.hint;
      return override === undefined
        ? 'Let this machine reach the provider (name, route, firewall), or correct `issuer`.'
        : `Let this machine reach it, or name a URL that it reaches in ${override}.`;
    case 'address_refused':
      return /only https/.test(wrong.seen)
        ? `Use https, or, in a closed network, add \`allow_http: true\` to ${place}.`
        : `If the provider really is there, add the address to \`${place}.allow_addresses\`.`;
    case 'tls':
      return /authority known/.test(wrong.hint ?? '')
        ? `${wrong.hint ?? ''}: \`${place}.ca_file\`.`
        : (wrong.hint ?? '');
    case 'redirect':
      return override === undefined
        ? `Redirects are not followed: write the issuer as the provider states it, or \`${place}.discovery.url\`.`
        : `Redirects are not followed: name the final URL in ${override}.`;
    case 'html':
      return wrong.status === 404
        ? `Correct \`issuer\`: there is a web server, and no metadata at this URL.${member === undefined ? PLAIN : ''}`
        : 'Exempt this server from what checks browsers in front of the provider, or correct the URL.';
    case 'status':
      if (wrong.status === 404 || wrong.status === 410) {
        return override === undefined
          ? 'Correct `issuer`, or name the metadata in `discovery.url`; RFC 8414 alone needs `discovery.method: oauth2`.' +
              PLAIN
          : `Correct it at the provider, or in ${override}.`;
      }
      return (wrong.status ?? 0) >= 500
        ? "Look into the provider's own log."
        : 'Let the provider answer this request without a sign-in or other conditions.';
    case 'malformed':
      return (
        wrong.hint ?? 'Have it corrected at the provider, or by whatever changes its answers on the way.'
      );
  }
}
