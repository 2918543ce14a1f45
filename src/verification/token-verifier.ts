/** Whose token of one provider it is: the strategies behind a cache, with a way out of their own. */
import type { Clock, Random } from '../protocol/clock.ts';
import type { PartLog } from '../observability/part-log.ts';
import { createClientAuthentication } from '../upstream/login/client-authentication.ts';
import type { OutboundOutcome } from '../outbound/outbound.ts';
import { createProviderOutbound, type Provider } from '../upstream/provider.ts';
import { resolveSettings } from '../upstream/resolved-settings.ts';
import type { PasswordInput } from '../upstream/login/password.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';
import type { ProviderSettings } from '../upstream/settings.ts';
import { judgeByStrategies } from './chain.ts';
import { mapToken, type MappingRules } from './map-token.ts';
import type { StrategyName, TokenSettings } from './settings.ts';
import type { AskingDeps } from './strategies/ask.ts';
import { introspection } from './strategies/introspection.ts';
import { localJwt } from './strategies/local-jwt.ts';
import type { Strategy } from './strategies/strategy.ts';
import { tokeninfo } from './strategies/tokeninfo.ts';
import { userinfo } from './strategies/userinfo.ts';
import { withScope } from './require-scope.ts';
import { inactive, unavailableVerdict, type Verdict, type VerifiedToken } from './verdict.ts';
import { type CacheOutcome, createVerdictCache } from './verdict-cache.ts';

export interface TokenVerifierOptions {
  readonly provider: Provider;
  readonly settings: ProviderSettings;
  readonly tokens: TokenSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: PartLog;
  /** Told what became of each request to the provider. */
  readonly onRequest?: (outcome: OutboundOutcome) => void;
  /** Told of each question: whether the cache knew, and what came of it if it did not. */
  readonly onOutcome?: (outcome: CacheOutcome) => void;
}

export interface TokenVerifier {
  /** Id of the provider. */
  readonly provider: string;
  readonly issuer: string;
  /** Never throws for what the token or the provider does. */
  verify(token: string): Promise<Verdict>;
  /** Who has this name and this password, by the provider's password grant: not cached. Unknown name and wrong password are one verdict. */
  verifyPassword(credentials: PasswordInput): Promise<Verdict>;
  /** Forgets what is held of a token, because it was revoked. */
  forget(token: string): void;
  /** Forgets what is held of every token of which this holds, because its person or session was signed out. */
  forgetAll(concerns: (token: VerifiedToken) => boolean): void;
  close(): Promise<void>;
}

const build: Readonly<Record<StrategyName, (deps: AskingDeps) => Strategy>> = {
  jwt: localJwt,
  introspection,
  tokeninfo,
  userinfo,
};

/** Throws a RangeError if the settings cannot be used. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { provider, tokens, clock, log } = options;
  const settings = resolveSettings({
    ...options.settings,
    timeout_seconds: tokens.timeout_seconds ?? options.settings.timeout_seconds,
  });
  const outbound = createProviderOutbound(settings, {
    clock,
    concurrency: tokens.concurrency ?? 32,
    onOutcome: options.onRequest,
  });
  const clientAuthentication = createClientAuthentication(settings, clock);
  const common = { provider, settings, tokens, clientAuthentication, clock, log };
  const rules = { settings, tokens };
  const strategies = tokens.strategies.map((name) => {
    const purpose = name === 'jwt' ? undefined : name;
    return build[name]({
      ...common,
      outbound: { send: (request) => outbound.send({ purpose, ...request }) },
    });
  });
  const cache = createVerdictCache({ settings: tokens.cache ?? {}, clock, onOutcome: options.onOutcome });

  return {
    provider: settings.id,
    issuer: settings.issuer,
    verify: (token) =>
      withScope(
        cache.judge(token, () => judgeByStrategies(strategies, rules, { token, now: () => clock.now() })),
        tokens.required_scope ?? [],
      ),
    verifyPassword: (credentials) => judgePassword(provider, rules, credentials, clock),
    forget: (token) => {
      cache.forget(token);
    },
    forgetAll: (concerns) => {
      cache.forgetAll(concerns);
    },
    close: () => outbound.close(),
  };
}

async function judgePassword(
  provider: Provider,
  rules: MappingRules,
  credentials: PasswordInput,
  clock: Clock,
): Promise<Verdict> {
  if (credentials.password === '') return inactive('invalid', 'the password is empty');
  try {
    const identity = await provider.checkPassword(credentials);
    const token = mapToken(rules, identity.claims, clock.now());
    return 'kind' in token ? token : { kind: 'active', token };
  } catch (error) {
    if (error instanceof UpstreamRefusal) return inactive('invalid', error.reason);
    return unavailableVerdict(error);
  }
}
