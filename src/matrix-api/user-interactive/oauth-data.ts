/** The stage `m.oauth` (client-server API, "OAuth authentication"; MSC4312), for homeservers that ask for it before cross-signing keys are replaced. */

/** Where a person has to go before the request is sent again with the same `session`. */
interface AccountPlace {
  readonly url: string;
}

/** Body of the 401 answer. */
export interface OAuthUserInteractive {
  readonly flows: { readonly stages: string[] }[];
  readonly params: Record<string, AccountPlace>;
  readonly session: string;
}

/** The stage by its name, and by the name that it had before. */
export const OAUTH_STAGES: readonly string[] = ['m.oauth', 'org.matrix.cross_signing_reset'];

/**
 * The body of a homeserver's 401 to `POST /keys/device_signing/upload`. `accountManagementUri` is that of `auth_metadata`; `session` the homeserver's
 * own name for the request. Throws a `TypeError` if the URI is not an http(s) URL.
 */
export function oauthUserInteractive(options: {
  readonly accountManagementUri: string;
  readonly session: string;
}): OAuthUserInteractive {
  const place = { url: crossSigningResetUrl(options.accountManagementUri) };
  return {
    flows: OAUTH_STAGES.map((stage) => ({ stages: [stage] })),
    params: Object.fromEntries(OAUTH_STAGES.map((stage) => [stage, place])),
    session: options.session,
  };
}

/** Where a person approves that their cross-signing identity is replaced. */
export function crossSigningResetUrl(accountManagementUri: string): string {
  const url = new URL(accountManagementUri);
  if (!/^https?:$/.test(url.protocol))
    throw new TypeError('the account management URI must be http or https');
  url.searchParams.set('action', 'org.matrix.cross_signing_reset');
  return url.href;
}
