/** What several wings use and must be the same in all of them: made once, from the foundation. */
import type { ClientId } from '../protocol/identifiers.ts';
import { createSecretKey } from 'node:crypto';
import { accountPurpose } from '../account/visit.ts';
import { authorizationPurpose } from '../authorization-server/authorization-response.ts';
import { deviceGrantPurpose } from '../authorization-server/device/device-verification.ts';
import type { Client } from '../clients/clients.ts';
import { clientNaming } from '../clients/clients.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import type { Config } from '../config/schema.ts';
import { createCsrf, type Csrf } from '../http/csrf.ts';
import type { AddressLimit } from '../http/address-limit.ts';
import { createSecretGuesses, type SecretGuesses } from '../http/secret-guesses.ts';
import { legacyLoginPurpose } from '../matrix-api/login/sso-confirmation.ts';
import { userInteractivePurpose } from '../matrix-api/user-interactive/confirm.ts';
import { providerTokens } from '../passthrough/provider-sessions.ts';
import { reservedNames } from '../protocol/reserved-names.ts';
import type { SessionLimits } from '../sessions/limits.ts';
import type { SessionPolicy } from '../sessions/policy.ts';
import type { RotationDeps } from '../sessions/rotate.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { SignInDeps } from '../sign-in/deps.ts';
import type { Verify } from '../verification/access-verdict.ts';
import { type FindAccessDeps, ownTokens } from '../verification/own-token.ts';
import { type OwnTokenForms, ownTokenForms } from '../verification/own-token-hash.ts';
import { createVerify } from '../verification/verify.ts';
import type { Foundation } from './foundation.ts';
import { composeLimits, type Limits } from './limits.ts';
import { operatorScopes } from './operator-scopes.ts';
import { providerRules } from './provider-rules.ts';
import { forgetSignedOut } from './token-verifiers.ts';

const DAY = 86_400_000;

export interface Shared {
  /** What ending and refreshing sessions takes. */
  readonly sessions: RotationDeps;
  readonly sessionLimits: SessionLimits;
  /** Whose an access token is, for every route. */
  readonly verify: Verify;
  /** Which tokens are our own, by their form. */
  readonly ownTokens: OwnTokenForms;
  /** What a way through an IdP takes, whatever it is for. */
  readonly signIn: SignInDeps;
  /** What a page with a form takes, and one that begins a sign-in. */
  readonly pages: { readonly csrf: Csrf; readonly signInGuard: AddressLimit };
  readonly limits: Limits;
  readonly secretGuesses: SecretGuesses;
  /** Clients of the configuration, by id. */
  readonly staticClients: ReadonlyMap<string, Client>;
  /** What people are shown as the name of a client. */
  readonly nameClient: (clientId: ClientId) => Promise<string>;
}

/** One of each, for all wings. */
export function composeShared(foundation: Foundation, signingKeys: SigningKeys): Shared {
  const { config, clock, random, log, emit, db, homeserver, sealer, subkey } = foundation;
  const scopes = operatorScopes(config);
  const policy: SessionPolicy = { ...sessionPolicy(config), scopes };
  const issuer = config.public_url;
  const limits = composeLimits(config, foundation);
  const secretGuesses = createSecretGuesses({ limit: limits.secretGuesses, emit });
  const ending = { db, clock, random, log, homeserver, emit };
  const staticClients = readStaticClients(config.clients);
  const sessionLimits = {
    perUser: config.sessions.limits.per_user,
    perClient: config.sessions.limits.per_client,
  };
  const forms = ownTokenForms({ issuer, keys: () => signingKeys.published() });
  const access: FindAccessDeps = {
    db,
    clock,
    policy,
    onFirstUseLost: (error) => {
      log.warn({ err: error }, 'the first use of a token could not be written; it will be tried again');
    },
  };
  const signIn: SignInDeps = {
    ...ending,
    issuer,
    serverName: config.server_name,
    metrics: foundation.metrics,
    isReserved: reservedNames(config.reserved_localparts),
    providers: foundation.providers,
    providerRules: providerRules(config.providers),
    operatorScopes: scopes,
    profilePolicy: config.homeserver.profile,
    sealer,
    purposes: {
      authorization: authorizationPurpose({ db, clock, issuer, sealer }),
      device_grant: deviceGrantPurpose({ issuer }),
      account: accountPurpose({ issuer }),
      legacy_login: legacyLoginPurpose({ db, clock, issuer, sealer }),
      user_interactive: userInteractivePurpose({ issuer }),
    },
    handOver: {
      lifetime: config.hand_over.lifetime_seconds * 1000,
      appLinks: config.hand_over.app_links,
    },
    onUpstreamLogout: (logout) => {
      forgetSignedOut(foundation.tokenVerifiers, logout);
    },
  };
  return {
    sessions: {
      ...ending,
      policy,
      derivationKey: createSecretKey(subkey('refresh successors')),
    },
    sessionLimits,
    ownTokens: forms,
    verify: createVerify([
      ownTokens({ ...access, ownTokens: forms }),
      providerTokens({ ...signIn, ...access, sessionLimits, tokenVerifiers: foundation.tokenVerifiers }),
    ]),
    signIn,
    pages: {
      csrf: createCsrf({ key: subkey('csrf tokens'), publicUrl: issuer }),
      signInGuard: limits.signIns,
    },
    limits,
    secretGuesses,
    staticClients,
    nameClient: clientNaming({ db, staticClients }),
  };
}

function sessionPolicy({ sessions }: Config): SessionPolicy {
  return {
    accessTokenTtl: sessions.access_token_ttl_seconds * 1000,
    refreshReuseGrace: sessions.refresh_reuse_grace_seconds * 1000,
    idleExpiry: sessions.idle_expiry_days * DAY,
    absoluteExpiry: sessions.absolute_expiry_days * DAY,
  };
}
