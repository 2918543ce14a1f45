import { endpointUrl } from '../protocol/issuer.ts';
import { API_SCOPE, OPENID_SCOPE, UNSTABLE_API_SCOPE } from '../protocol/scope.ts';
import type { components } from '../generated/authorization-server.ts';

export type Metadata = components['schemas']['AuthorizationServerMetadata'];

/**
 * Our own document (facade mode): RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3, RFC 9207 section 3. It is complete, where a
 * default of an RFC would be wrong for us the member is there, and nothing stands in it that does not work.
 */
export function buildMetadata(issuer: string): Metadata {
  const authMethods = ['none', 'client_secret_basic', 'client_secret_post'];
  return {
    issuer,
    authorization_endpoint: endpointUrl(issuer, 'oauth2/authorize'),
    token_endpoint: endpointUrl(issuer, 'oauth2/token'),
    registration_endpoint: endpointUrl(issuer, 'oauth2/registration'),
    revocation_endpoint: endpointUrl(issuer, 'oauth2/revoke'),
    introspection_endpoint: endpointUrl(issuer, 'oauth2/introspect'),
    jwks_uri: endpointUrl(issuer, 'oauth2/jwks'),
    scopes_supported: [OPENID_SCOPE, API_SCOPE, UNSTABLE_API_SCOPE],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_methods_supported: authMethods,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'nonce', 'auth_time', 'at_hash'],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
  };
}
