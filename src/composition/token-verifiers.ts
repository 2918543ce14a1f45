import type { Config } from '../config/schema.ts';
import type { LogoutToken } from '../upstream/login/logout-token.ts';
import { countingRequests } from './provider-requests.ts';
import type { TokenSettings } from '../verification/settings.ts';
import { createTokenVerifier, type TokenVerifier } from '../verification/token-verifier.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import type { Provider } from '../upstream/provider.ts';

type ProviderConfig = Config['providers'][number];

/** One verifier for each provider whose tokens count here, in the operator's order. In passthrough mode those of the provider always do. */
export function openTokenVerifiers(
  parts: {
    readonly config: Config;
    readonly providers: readonly Provider[];
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly metrics: Metrics;
  },
  opened: AsyncDisposableStack,
): TokenVerifier[] {
  const { config, clock, random, log, metrics } = parts;
  const verifiers: TokenVerifier[] = [];
  for (const settings of config.providers) {
    const provider = parts.providers.find(({ id }) => id === settings.id);
    if (provider === undefined || (settings.tokens === undefined && config.mode !== 'passthrough')) continue;
    const verifier = createTokenVerifier({
      provider,
      settings,
      tokens: tokenSettings(settings),
      clock,
      random,
      log,
      onRequest: countingRequests(metrics, settings.id),
      onOutcome: (outcome) => {
        metrics.count('tokenVerifications', { provider: settings.id, outcome });
      },
    });
    opened.defer(() => verifier.close());
    verifiers.push(verifier);
  }
  return verifiers;
}

/** The localpart is that of the provider; its conditions on people are judged by whoever knows the people. */
function tokenSettings({ tokens, claims }: ProviderConfig): TokenSettings {
  const localpart = tokens?.claims.localpart ?? claims.localpart;
  return { strategies: ['jwt'], ...tokens, claims: { ...tokens?.claims, localpart } };
}

/** Forgets what is held of the tokens that a sign-out at their provider concerns. */
export function forgetSignedOut(verifiers: readonly TokenVerifier[], logout: LogoutToken): void {
  for (const verifier of verifiers) {
    verifier.forgetAll(
      ({ issuer, subject, claims }) =>
        issuer === logout.issuer &&
        (subject === logout.subject || (logout.sid !== undefined && claims['sid'] === logout.sid)),
    );
  }
}
