/** JWT access tokens, verified here by the provider's keys: nothing is asked per token (RFC 9068). */
import { Unavailable } from '../../protocol/unavailable.ts';
import type { Clock } from '../../protocol/clock.ts';
import { SIGNATURE_ALGORITHMS, type SignatureResult } from '../../upstream/documents/jwks.ts';
import { expectedIssuer } from '../../upstream/login/id-token.ts';
import { UpstreamRefusal } from '../../upstream/login/refusal.ts';
import type { Provider } from '../../upstream/provider.ts';
import type { ResolvedSettings } from '../../upstream/resolved-settings.ts';
import { type ClaimRules, judgeClaims } from '../jwt/judge-claims.ts';
import { type KeyDirectory, openKeyDirectory } from '../jwt/key-directory.ts';
import { otherPurpose, readJwt, type UnverifiedJwt } from '../jwt/read-jwt.ts';
import type { TokenSettings } from '../settings.ts';
import { type Inactive, inactive, unavailableVerdict } from '../verdict.ts';
import type { Finding, Strategy } from './strategy.ts';

export interface LocalJwtDeps {
  readonly provider: Pick<Provider, 'metadata' | 'signatures'>;
  readonly settings: ResolvedSettings;
  readonly tokens: TokenSettings;
  readonly clock: Clock;
}

/** What is cheap is checked first, and the signature last of all: a token that could not count costs no cryptography. */
export function localJwt(deps: LocalJwtDeps): Strategy {
  const { settings, tokens, clock } = deps;
  const { jwt: rules = {} } = tokens;
  const types = rules.types ?? ['at+jwt'];
  const algorithms = rules.algorithms ?? SIGNATURE_ALGORITHMS;
  const folder = rules.key_directory;
  const directory = folder === undefined ? undefined : openKeyDirectory({ folder, clock });
  const claimRules: ClaimRules = {
    issuer: settings.issuer,
    subjectClaim: settings.subjectClaim,
    audience: tokens.audience ?? [settings.clientId],
    authorizedParties: tokens.authorized_parties ?? [],
    leeway: rules.leeway_seconds ?? 30,
    maxLifetime: rules.max_lifetime_seconds ?? 86_400,
  };

  return {
    name: 'jwt',
    always: false,
    async inspect(token): Promise<Finding> {
      const reading = readJwt(token);
      if (reading.kind === 'foreign') return reading;
      if (reading.kind === 'malformed') return inactive('malformed', reading.reason);
      const { jwt } = reading;
      const { claims } = jwt;
      const header = judgeHeader(jwt, types, algorithms);
      if (header !== undefined) return header;
      try {
        const asked = issuerOf(deps, claims);
        const issuer = typeof asked === 'string' ? asked : await asked;
        if (typeof issuer !== 'string') return issuer;
        const body = judgeClaims({ ...claimRules, issuer }, claims, clock.now() / 1000);
        return body ?? findingOf(await verifySignature(deps, directory, token, jwt, algorithms), jwt);
      } catch (error) {
        return unavailableVerdict(error);
      }
    },
  };
}

function judgeHeader(
  jwt: UnverifiedJwt,
  types: readonly string[],
  algorithms: readonly string[],
): Inactive | undefined {
  if (!algorithms.includes(jwt.algorithm)) {
    return inactive('invalid', `its algorithm is none of ${algorithms.join(', ')}`);
  }
  if (!types.includes(jwt.type ?? 'none')) {
    return inactive('invalid', `its typ is none of ${types.join(', ')} (jwt.types)`);
  }
  const other = otherPurpose(jwt);
  return other === undefined ? undefined : inactive('invalid', other);
}

/** The issuer that the token must state. Only an issuer with a tenant in it needs the metadata for that. */
function issuerOf(deps: LocalJwtDeps, claims: UnverifiedJwt['claims']): string | Promise<string | Inactive> {
  const { settings } = deps;
  const { iss } = claims;
  if (settings.preset.issuer_template !== undefined) return issuerByTenant(deps, claims);
  return typeof iss === 'string' && settings.issuerAliases.includes(iss) ? iss : settings.issuer;
}

async function issuerByTenant(
  { provider, settings }: LocalJwtDeps,
  claims: UnverifiedJwt['claims'],
): Promise<string | Inactive> {
  const { server } = await provider.metadata();
  try {
    return expectedIssuer(server, settings, claims);
  } catch (error) {
    if (error instanceof UpstreamRefusal) return inactive('invalid', error.reason);
    throw error;
  }
}

function verifySignature(
  { provider }: LocalJwtDeps,
  directory: KeyDirectory | undefined,
  token: string,
  jwt: UnverifiedJwt,
  algorithms: readonly string[],
): Promise<SignatureResult> {
  if (directory !== undefined) return directory.verify(token, jwt, algorithms);
  return provider.signatures.verify(token, algorithms);
}

function findingOf(result: SignatureResult, { claims }: UnverifiedJwt): Finding {
  if (result.ok) return { kind: 'claims', claims };
  const { fault } = result;
  if (fault.kind !== 'unknown_key_yet') return inactive('invalid', fault.reason);
  const { reason, retryAfterSeconds } = fault;
  const error = new Unavailable('the identity provider', { cause: new Error(reason), retryAfterSeconds });
  return { kind: 'unavailable', error };
}
