/** Whose access token it is, whoever issued it, for servers that are no homeserver: no session begins by it. */
import { type AccessRules, judgeAccess } from '../protocol/access-rules.ts';
import type { AccessVerdict, ActiveAccess, Verify } from './access-verdict.ts';
import type { OwnTokenForms } from './own-token-hash.ts';
import { judgeProviderToken, type ProviderTokenDeps } from './provider-token.ts';
import { inactive, unavailableVerdict, type Verdict, type VerifiedToken } from './verdict.ts';

export interface AnyTokenDeps extends ProviderTokenDeps {
  readonly verify: Verify;
  readonly ownTokens: Pick<OwnTokenForms, 'isInOurName'>;
  /** Of our own tokens. */
  readonly issuer: string;
  /** Who is let in, by provider id. */
  readonly providerRules: ReadonlyMap<string, { readonly access: AccessRules }>;
}

export type JudgeToken = (token: string) => Promise<Verdict>;

/** Our own tokens by their form, all others by the providers whose tokens count here. An outage is a verdict. */
export function judgeAnyToken(deps: AnyTokenDeps): JudgeToken {
  return async (token) => {
    if (deps.ownTokens.isInOurName(token)) return ownVerdict(await deps.verify(token), deps.issuer);
    try {
      return byAccessRules(deps, await judgeProviderToken(deps, token));
    } catch (error) {
      return unavailableVerdict(error);
    }
  };
}

/** A person who is not let in is told so of every token; their sessions are for others to end. */
export function byAccessRules(
  { providerRules }: Pick<AnyTokenDeps, 'providerRules'>,
  verdict: Verdict,
): Verdict {
  if (verdict.kind !== 'active') return verdict;
  const { provider } = verdict.token;
  const rules = providerRules.get(provider);
  const access = rules === undefined ? undefined : judgeAccess(rules.access, verdict.token);
  return access?.ok === false ? inactive('excluded', access.reason) : verdict;
}

function ownVerdict(verdict: AccessVerdict, issuer: string): Verdict {
  switch (verdict.kind) {
    case 'active':
    case 'locked':
      return { kind: verdict.kind, token: ownToken(verdict.access, issuer) };
    case 'inactive':
      return inactive(verdict.reason, verdict.detail ?? verdict.reason);
    case 'unavailable':
      return verdict;
  }
}

function ownToken(access: ActiveAccess, issuer: string): VerifiedToken {
  return {
    provider: 'gatehouse',
    issuer,
    subject: access.userId ?? access.clientId ?? access.sessionId,
    localpart: access.localpart ?? undefined,
    deviceId: access.deviceId ?? undefined,
    clientId: access.clientId ?? undefined,
    scope: access.scope.split(' ').filter((each) => each !== ''),
    issuedAt: access.issuedAt,
    expiresAt: access.expiresAt ?? undefined,
    claims: {},
  };
}
