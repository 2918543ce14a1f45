/** Passthrough mode: the IdP's own document, reduced to what is registered, with the operator's overrides, and whether clients can use it. */
import { metadataFaults } from './check.ts';

/** Members of RFC 8414 section 2, OpenID Connect Discovery section 3 and the logout specifications, RFC 8628, 8705, 9101, 9126, 9207, 9396, 9449, and of Matrix. */
const registered: ReadonlySet<string> = new Set([
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'registration_endpoint',
  'scopes_supported',
  'response_types_supported',
  'response_modes_supported',
  'grant_types_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'service_documentation',
  'ui_locales_supported',
  'op_policy_uri',
  'op_tos_uri',
  'revocation_endpoint',
  'revocation_endpoint_auth_methods_supported',
  'revocation_endpoint_auth_signing_alg_values_supported',
  'introspection_endpoint',
  'introspection_endpoint_auth_methods_supported',
  'introspection_endpoint_auth_signing_alg_values_supported',
  'code_challenge_methods_supported',
  'signed_metadata',
  'userinfo_endpoint',
  'acr_values_supported',
  'subject_types_supported',
  'id_token_signing_alg_values_supported',
  'id_token_encryption_alg_values_supported',
  'id_token_encryption_enc_values_supported',
  'userinfo_signing_alg_values_supported',
  'userinfo_encryption_alg_values_supported',
  'userinfo_encryption_enc_values_supported',
  'request_object_signing_alg_values_supported',
  'request_object_encryption_alg_values_supported',
  'request_object_encryption_enc_values_supported',
  'display_values_supported',
  'claim_types_supported',
  'claims_supported',
  'claims_locales_supported',
  'claims_parameter_supported',
  'request_parameter_supported',
  'request_uri_parameter_supported',
  'require_request_uri_registration',
  'check_session_iframe',
  'end_session_endpoint',
  'frontchannel_logout_supported',
  'frontchannel_logout_session_supported',
  'backchannel_logout_supported',
  'backchannel_logout_session_supported',
  'device_authorization_endpoint',
  'tls_client_certificate_bound_access_tokens',
  'mtls_endpoint_aliases',
  'require_signed_request_object',
  'pushed_authorization_request_endpoint',
  'require_pushed_authorization_requests',
  'authorization_response_iss_parameter_supported',
  'authorization_details_types_supported',
  'dpop_signing_alg_values_supported',
  'prompt_values_supported',
  'account_management_uri',
  'account_management_actions_supported',
]);

/**
 * What is published of the IdP's document. An override of `null` takes a member away; the issuer cannot be overridden; `signed_metadata`
 * would contradict an override, so it goes with the first.
 */
export function passthroughMetadata(
  document: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const published: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(document)) {
    if (registered.has(name) && value !== null) published[name] = value;
  }
  for (const [name, value] of Object.entries(overrides)) {
    if (name === 'issuer') continue;
    if (value === null) Reflect.deleteProperty(published, name);
    else published[name] = value;
    Reflect.deleteProperty(published, 'signed_metadata');
  }
  return published;
}

export interface PassthroughRules {
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly allowHttp: boolean;
}

/** Every MUST that the published document would break; empty if it is fit to be passed on. */
export function passthroughFaults(
  document: Readonly<Record<string, unknown>>,
  { overrides, allowHttp }: PassthroughRules,
): string[] {
  return metadataFaults(passthroughMetadata(document, overrides), { allowHttp });
}
