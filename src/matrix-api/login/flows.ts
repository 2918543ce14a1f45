import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { prepareBody } from '../../http/etag.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';

type Answer = operations['getLoginFlows']['responses'][200]['content']['application/json'];
type Flow = Answer['flows'][number];
export type OfferedProvider = NonNullable<Flow['identity_providers']>[number];

/** What clients are told that they can log in with. */
export interface LoginOffer {
  readonly sso: boolean;
  readonly password: boolean;
  /** Whether clients had better use the OAuth 2.0 API, which there is beside. */
  readonly hasOAuth: boolean;
  /** What `m.login.sso` leads to, in the operator's order. */
  readonly identityProviders: readonly OfferedProvider[];
  readonly cacheControl: string;
}

/**
 * The login flows (client-server API, "Login"); 404 M_UNRECOGNIZED if there is no legacy login, by which clients know. `oauth_aware_preferred`
 * makes clients that know of OAuth offer single sign-on alone; its older name is that of MSC3824.
 */
export function getLoginFlows(offer: LoginOffer): OperationHandler<operations, 'getLoginFlows', unknown> {
  if (!offer.sso && !offer.password) {
    return () => {
      throw new MatrixError(404, 'M_UNRECOGNIZED', 'Legacy login is switched off on this server');
    };
  }
  const answer: Answer = {
    flows: [
      ...(offer.sso ? [singleSignOn(offer), { type: 'm.login.token' }] : []),
      ...(offer.password ? [{ type: 'm.login.password' }] : []),
    ],
  };
  const { cacheControl } = offer;
  const prepared = prepareBody(answer, { contentType: 'application/json', cacheControl });
  return (request) => prepared.reply(request.headers);
}

function singleSignOn({ hasOAuth, identityProviders }: LoginOffer): Flow {
  return {
    type: 'm.login.sso',
    identity_providers: [...identityProviders],
    ...(hasOAuth
      ? { oauth_aware_preferred: true, 'org.matrix.msc3824.delegated_oidc_compatibility': true }
      : {}),
  };
}
