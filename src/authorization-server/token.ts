import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { noStore } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { authenticateClient } from './client-authentication/client-authentication.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import type { Grant } from './grants/grant.ts';
import { authorizationCodeGrant } from './grants/authorization-code.ts';
import { DEVICE_CODE_GRANT } from '../clients/client-metadata.ts';
import { clientCredentialsGrant } from './grants/client-credentials.ts';
import { passwordGrant } from './grants/password.ts';
import { deviceCodeGrant } from './grants/device-code.ts';
import { refreshTokenGrant } from './grants/refresh-token.ts';

/** Token endpoint (RFC 6749 section 3.2): the shared phases, then the grant. */
export function exchangeToken(deps: AuthorizationServerDeps): OperationHandler<operations, 'exchangeToken'> {
  const grants: Readonly<Record<string, Grant>> = {
    authorization_code: authorizationCodeGrant(deps),
    refresh_token: refreshTokenGrant(deps),
    client_credentials: clientCredentialsGrant(deps),
    [DEVICE_CODE_GRANT]: deviceCodeGrant(deps),
    ...(deps.passwordGrant === undefined ? {} : { password: passwordGrant(deps) }),
  };
  return async (request) => {
    const type = request.form.get('grant_type');
    if (type === undefined || type === '') throw new OAuthError('invalid_request', 'grant_type is missing');
    const grant = Object.hasOwn(grants, type) ? grants[type] : undefined;
    if (grant === undefined) {
      throw new OAuthError(
        'unsupported_grant_type',
        `grant_type must be one of ${Object.keys(grants).join(', ')}`,
      );
    }
    const client = await authenticateClient(deps, request);
    return { status: 200, headers: noStore, body: await grant(request, client) };
  };
}
