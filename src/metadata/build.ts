import { endpointUrl } from '../protocol/issuer.ts';
import { API_SCOPE, OPENID_SCOPE, UNSTABLE_API_SCOPE } from '../protocol/scope.ts';
import type { components } from '../generated/authorization-server.ts';

/** What a client can send a person to the account page for (Matrix client-server API, "Account management"; unstable names of MSC4191). */
const accountActions = [
  'org.matrix.profile',
  'org.matrix.devices_list',
  'org.matrix.device_view',
  'org.matrix.device_delete',
  'org.matrix.sessions_list',
  'org.matrix.session_view',
  'org.matrix.session_end',
];

export type Metadata = components['schemas']['AuthorizationServerMetadata'];

/** What works here and not everywhere: by configuration, or by what the IdP can do. */
export interface Abilities {
  /** Algorithms of client assertions; empty if no client has keys. */
  readonly assertionAlgorithms?: readonly string[];
  /** Whether a client may use client credentials. */
  readonly clientCredentials?: boolean;
  /** Names of the operator's own scopes. */
  readonly scopes?: readonly string[];
  /** Whether the homeserver is told that a person may replace their cross-signing keys. */
  readonly keyReset?: boolean;
  /** Whether every IdP can be asked to create an account. */
  readonly createAccount?: boolean;
}

/**
 * Our own document (facade mode): RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3, RFC 8628 section 4, RFC 9126 section 5, RFC 9207 section 3. It is
 * complete, if a default of an RFC would be wrong for us the member is there, and nothing stands in it that does not work.
 */
export function buildMetadata(issuer: string, abilities: Abilities = {}): Metadata {
  return {
    issuer,
    authorization_endpoint: endpointUrl(issuer, 'oauth2/authorize'),
    device_authorization_endpoint: endpointUrl(issuer, 'oauth2/device_authorization'),
    pushed_authorization_request_endpoint: endpointUrl(issuer, 'oauth2/par'),
    require_pushed_authorization_requests: false,
    token_endpoint: endpointUrl(issuer, 'oauth2/token'),
    registration_endpoint: endpointUrl(issuer, 'oauth2/registration'),
    revocation_endpoint: endpointUrl(issuer, 'oauth2/revoke'),
    introspection_endpoint: endpointUrl(issuer, 'oauth2/introspect'),
    userinfo_endpoint: endpointUrl(issuer, 'oauth2/userinfo'),
    jwks_uri: endpointUrl(issuer, 'oauth2/jwks'),
    scopes_supported: [OPENID_SCOPE, API_SCOPE, UNSTABLE_API_SCOPE, ...(abilities.scopes ?? [])],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      ...(abilities.clientCredentials === true ? ['client_credentials'] : []),
    ],
    code_challenge_methods_supported: ['S256'],
    ...clientAuthentication(abilities.assertionAlgorithms ?? []),
    ...(abilities.createAccount === true ? { prompt_values_supported: ['login', 'create'] } : {}),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: [
      ...['iss', 'sub', 'aud', 'exp', 'iat', 'nonce', 'auth_time', 'at_hash'],
      ...['preferred_username', 'name'],
    ],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
    account_management_uri: endpointUrl(issuer, 'account'),
    account_management_actions_supported: [
      ...accountActions,
      ...(abilities.keyReset === true ? ['org.matrix.cross_signing_reset'] : []),
    ],
  };
}

/** The methods of each endpoint that takes credentials; introspection is not for clients without any. */
function clientAuthentication(algorithms: readonly string[]): Partial<Metadata> {
  const proven = ['client_secret_basic', 'client_secret_post'];
  if (algorithms.length > 0) proven.push('private_key_jwt');
  const methods = ['none', ...proven];
  const signing = algorithms.length === 0 ? undefined : [...algorithms];
  return {
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_methods_supported: proven,
    ...(signing && {
      token_endpoint_auth_signing_alg_values_supported: signing,
      revocation_endpoint_auth_signing_alg_values_supported: signing,
      introspection_endpoint_auth_signing_alg_values_supported: signing,
    }),
  };
}
