import { endpointUrl } from '../protocol/issuer.ts';
import { identityHeaders } from '../verification-api/identity-headers.ts';
import type { VerificationApiDeps } from '../verification-api/routes.ts';
import type { ForwardAuthDeps } from '../verification-api/verify-request.ts';
import type { PasswordJudge, SaslDeps } from '../verification-api/verify-sasl.ts';
import { byAccessRules, judgeAnyToken, type JudgeToken } from '../verification/any-token.ts';
import { byLocalState } from '../verification/provider-token.ts';
import { localpartOfName, nameOf } from '../verification/sasl/names.ts';
import { inactive } from '../verification/verdict.ts';
import { issuerOf } from './documents.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** What the routes for other servers use. */
export function composeVerificationApi(foundation: Foundation, shared: Shared): VerificationApiDeps {
  const { config, db, clock, tokenVerifiers } = foundation;
  const judge = judgeAnyToken({
    db,
    clock,
    tokenVerifiers,
    verify: shared.verify,
    ownTokens: shared.ownTokens,
    issuer: config.public_url,
    providerRules: shared.signIn.providerRules,
    isReserved: shared.signIn.isReserved,
  });
  return {
    forwardAuth: forwardAuth(foundation, judge),
    sasl: sasl(foundation, shared, judge),
    ejabberd: ejabberd(foundation, shared, judge),
  };
}

function forwardAuth({ config, metrics }: Foundation, judge: JudgeToken): ForwardAuthDeps | undefined {
  const { enabled, ...settings } = config.forward_auth;
  if (!enabled) return undefined;
  return {
    judge,
    metrics,
    serverName: config.server_name,
    sources: { from: settings.token_from, cookie: settings.cookie },
    realm: settings.realm ?? config.server_name,
    headers: identityHeaders(settings.preset, settings.headers),
    anonymous: settings.anonymous,
    preflight: settings.preflight,
    scope: settings.required_scope,
    rules: settings.rules,
  };
}

function sasl(foundation: Foundation, shared: Shared, judgeToken: JudgeToken): SaslDeps | undefined {
  const { config, clock, metrics } = foundation;
  const { enabled, secret, mechanisms, username, required_scope: scope } = config.sasl;
  if (!enabled || secret === undefined) return undefined;
  const discovery = endpointUrl(issuerOf(config), '.well-known/openid-configuration');
  return {
    rules: {
      judgeToken,
      serverName: config.server_name,
      username,
      scope,
      openidConfiguration: config.sasl.openid_configuration_url ?? discovery,
    },
    mechanisms,
    secret: Buffer.from(secret),
    secretGuesses: shared.secretGuesses,
    clock,
    metrics,
    passwords: passwords(foundation, shared),
  };
}

function ejabberd(
  { config }: Foundation,
  { secretGuesses }: Shared,
  judge: JudgeToken,
): VerificationApiDeps['ejabberd'] {
  const { enabled, secret, username: template } = config.ejabberd;
  if (!enabled || secret === undefined) return undefined;
  const naming = { serverName: config.server_name, template };
  return {
    judge,
    secret: Buffer.from(secret),
    secretGuesses,
    jidOf: (localpart) => nameOf(naming, localpart),
  };
}

/** What is no name of anybody here is asked about all the same: an answer, and its time, tell nothing about who exists. */
function passwords(
  { config, tokenVerifiers }: Foundation,
  { signIn, limits }: Shared,
): PasswordJudge | undefined {
  const { password } = config.sasl;
  if (password === false) return undefined;
  const verifier = tokenVerifiers.find(({ provider }) => provider === password.provider);
  if (verifier === undefined) throw new Error(`no tokens of the provider ${password.provider} are verified`);
  const here = { serverName: config.server_name, template: config.sasl.username };
  const there = { serverName: config.server_name, template: password.username };
  return {
    judge: async (name, secret) => {
      const localpart = localpartOfName(here, name);
      const asked = localpart === undefined ? name : (nameOf(there, localpart) ?? localpart);
      const verdict = await verifier.verifyPassword({ username: asked, password: secret });
      if (localpart === undefined && verdict.kind === 'active') {
        return inactive('invalid', 'the name is nobody of this server');
      }
      return byAccessRules(signIn, await byLocalState(signIn, verdict));
    },
    accountOf: (name) => localpartOfName(here, name) ?? name.toLowerCase(),
    failures: limits.passwordFailures,
  };
}
