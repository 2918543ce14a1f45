/** What the doctor says about one thing that is wrong: stable for machines, and with its remedy for people. */

/** `error`: sign-in breaks, or somebody else's secret is out. `warning`: it works, and is fragile or not what was meant. */
export type Severity = 'error' | 'warning';

/** Every code that there is, with its severity. Codes are never renamed; docs/doctor.md explains each. */
export const severities = {
  'config.fault': 'error',
  'config.warning': 'warning',
  'config.trusted_proxies': 'warning',
  'database.unreadable': 'warning',
  'service.not_running': 'error',
  'service.foreign': 'error',
  'service.not_ready': 'error',
  'service.degraded': 'warning',
  'provider.unreachable': 'error',
  'provider.address_refused': 'error',
  'provider.tls': 'error',
  'provider.slow': 'warning',
  'provider.redirect': 'error',
  'provider.html': 'error',
  'provider.status': 'error',
  'provider.malformed': 'error',
  'provider.issuer_mismatch': 'error',
  'provider.endpoint_missing': 'error',
  'provider.endpoint_invalid': 'error',
  'provider.endpoint_insecure': 'error',
  'provider.metadata_unfit': 'error',
  'provider.member_ignored': 'warning',
  'provider.code_flow': 'error',
  'provider.response_mode': 'error',
  'provider.pkce': 'warning',
  'provider.scope_unlisted': 'warning',
  'provider.claim_unlisted': 'warning',
  'provider.algorithm': 'error',
  'provider.keys_unusable': 'error',
  'provider.private_key_published': 'error',
  'provider.client_refused': 'error',
  'provider.grant_refused': 'error',
  'provider.password_grant': 'error',
  'provider.scope_refused': 'error',
  'provider.redirect_uri_refused': 'error',
  'provider.authorization_refused': 'error',
  'provider.callback': 'error',
  'provider.not_passed_through': 'error',
  'provider.auth_time': 'warning',
  'provider.userinfo_missing': 'warning',
  'provider.userinfo': 'error',
  'provider.clock_skew': 'error',
  'provider.cached_stale': 'warning',
  'provider.cache_control': 'warning',
  'public_url.unreachable': 'error',
  'public_url.tls': 'error',
  'public_url.slow': 'warning',
  'public_url.redirect': 'error',
  'public_url.html': 'error',
  'public_url.status': 'error',
  'public_url.malformed': 'error',
  'public_url.not_proxied': 'error',
  'public_url.bad_gateway': 'error',
  'public_url.issuer_mismatch': 'error',
  'public_url.metadata_rewritten': 'error',
  'public_url.metadata_differs': 'error',
  'public_url.metadata_unfit': 'error',
  'public_url.cors_missing': 'error',
  'public_url.cors_doubled': 'error',
  'public_url.preflight': 'error',
  'public_url.etag_lost': 'warning',
  'public_url.cache_control': 'warning',
  'public_url.cached': 'error',
  'public_url.authorization_stripped': 'error',
  'public_url.errors_replaced': 'error',
  'public_url.unknown_path': 'warning',
  'homeserver.unreachable': 'error',
  'homeserver.versions': 'error',
  'homeserver.cors': 'error',
  'homeserver.well_known_unreachable': 'warning',
  'homeserver.well_known_missing': 'error',
  'homeserver.well_known_mismatch': 'error',
  'homeserver.auth_metadata': 'error',
  'homeserver.not_proxied': 'error',
  'homeserver.secret_refused': 'error',
  'homeserver.interface_missing': 'error',
  'homeserver.version': 'error',
  'homeserver.introspection': 'error',
  'homeserver.token_failed': 'error',
  'homeserver.server_name': 'error',
  'homeserver.outbox_waiting': 'warning',
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof severities;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** The part that it is about: `configuration`, `service`, `provider main`, `public_url`, `homeserver`. */
  readonly subject: string;
  /** What was asked or looked at. */
  readonly probed: string;
  readonly expected: string;
  readonly seen: string;
  /** What to do about it, in one line. */
  readonly remedy: string;
  /** Where it is explained, relative to the package. */
  readonly docs: string;
}

/** A finding without what follows from its code. */
export type Facts = Omit<Finding, 'severity' | 'docs'>;

/** Completes a finding by its code, and keeps every text to one line. */
export function finding({ code, subject, probed, expected, seen, remedy }: Facts): Finding {
  return {
    code,
    severity: severities[code],
    subject,
    probed: oneLine(probed),
    expected: oneLine(expected),
    seen: oneLine(seen),
    remedy: oneLine(remedy),
    docs: `docs/doctor.md#${anchorOf(code)}`,
  };
}

/** The anchor that a heading with the code has in rendered Markdown. */
export function anchorOf(code: string): string {
  return code.replace(/[^a-z_]/g, '');
}

/** One finding if several requests showed the same thing. The order is that of the first of each. */
export function mergeFindings(findings: readonly Finding[]): Finding[] {
  const merged = new Map<string, Finding>();
  for (const each of findings) {
    const key = JSON.stringify([each.code, each.subject, each.expected, each.seen, each.remedy]);
    const earlier = merged.get(key);
    if (earlier === undefined) merged.set(key, each);
    else if (!earlier.probed.split(', ').includes(each.probed)) {
      merged.set(key, { ...earlier, probed: `${earlier.probed}, ${each.probed}` });
    }
  }
  return [...merged.values()];
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
