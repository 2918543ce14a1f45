import { identityHeaders } from '../verification-api/identity-headers.ts';
import type { VerificationApiDeps } from '../verification-api/routes.ts';
import { judgeAnyToken } from '../verification/any-token.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** What the routes for other servers use. */
export function composeVerificationApi(foundation: Foundation, shared: Shared): VerificationApiDeps {
  const { config, db, clock, tokenVerifiers } = foundation;
  const { enabled, ...settings } = config.forward_auth;
  const judge = judgeAnyToken({
    db,
    clock,
    tokenVerifiers,
    verify: shared.verify,
    issuer: config.public_url,
  });
  return {
    forwardAuth: enabled
      ? {
          judge,
          serverName: config.server_name,
          sources: { from: settings.token_from, cookie: settings.cookie },
          realm: settings.realm ?? config.server_name,
          headers: identityHeaders(settings.preset, settings.headers),
          anonymous: settings.anonymous,
          preflight: settings.preflight,
          scope: settings.required_scope,
          rules: settings.rules,
        }
      : undefined,
  };
}
