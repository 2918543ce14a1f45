/**
 * `import { createVerifier } from 'matrix-gatehouse/verification'`: whose token it is, for a program of your own. No web framework, no database: the
 * provider's documents and the verdicts are held in memory.
 */
import type { PartLog } from '../observability/part-log.ts';
import { type Clock, type Random, systemClock, systemRandom } from '../protocol/clock.ts';
import { createProvider, type Provider } from '../upstream/provider.ts';
import type { PasswordInput } from '../upstream/login/password.ts';
import type { ProviderSettings } from '../upstream/settings.ts';
import type { TokenSettings } from './settings.ts';
import { withScope } from './require-scope.ts';
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts';
import { verifyByAny } from './verify-by-any.ts';
import type { Verdict } from './verdict.ts';

export type { IntrospectionSettings, JwtSettings, StrategyName, TokenSettings } from './settings.ts';
export type { Inactive, InactiveFault, UnavailableVerdict, Verdict, VerifiedToken } from './verdict.ts';
export type { ProviderSettings } from '../upstream/settings.ts';
export { verifySasl } from './sasl/verify-sasl.ts';
export type { SaslQuestion, SaslRules, SaslStatus, SaslVerdict } from './sasl/verify-sasl.ts';
export type { SaslMechanism } from './sasl/initial-response.ts';

export interface VerifierOptions {
  /** The providers whose tokens count, each with the keys of `providers[]` and how its tokens are verified. */
  readonly providers: readonly (ProviderSettings & { readonly tokens: TokenSettings })[];
  /** Default: nothing is logged. */
  readonly log?: PartLog;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Verifier extends AsyncDisposable {
  /**
   * Whose token it is. Never throws for what the token or a provider does: an outage is the verdict `unavailable`, to be answered with 503 and never
   * with 401. `scope`: must all be in the token's scope, else the fault is `insufficient_scope`, to be answered with 403.
   */
  verify(token: string, requirement?: { readonly scope?: readonly string[] }): Promise<Verdict>;
  /** Who has this name and this password at the provider of that id, by its password grant (RFC 6749 section 4.3). Limit the attempts. */
  verifyPassword(provider: string, credentials: PasswordInput): Promise<Verdict>;
  /** Forgets what is held of a token, because it was revoked. */
  forget(token: string): void;
  /** Fetches the providers' documents now. Never throws. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

const silent: PartLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Connects to nothing before it is asked. Throws a RangeError if the settings cannot be used. Close it when you are done. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { clock = systemClock, random = systemRandom, log = silent } = options;
  const providers: Provider[] = [];
  const verifiers: TokenVerifier[] = [];
  for (const { tokens, ...settings } of options.providers) {
    const provider = createProvider({ settings, clock, random, log });
    providers.push(provider);
    verifiers.push(createTokenVerifier({ provider, settings, tokens, clock, random, log }));
  }
  const close = async (): Promise<void> => {
    await Promise.all([...verifiers, ...providers].map((each) => each.close()));
  };
  return {
    verify: (token, { scope = [] } = {}) => withScope(verifyByAny(verifiers, token), scope),
    verifyPassword: async (id, credentials) => {
      const verifier = verifiers.find(({ provider }) => provider === id);
      if (verifier === undefined) throw new RangeError(`there is no provider ${id}`);
      return verifier.verifyPassword(credentials);
    },
    forget: (token) => {
      for (const verifier of verifiers) verifier.forget(token);
    },
    warm: async () => {
      await Promise.all(providers.map((provider) => provider.refresh()));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
