import type { JSONWebKeySet } from 'jose';
import type { SigningAlgorithm } from '../protocol/signing-algorithms.ts';
import { hashSecret } from '../protocol/token-format.ts';
import type { AuthMethod } from './client-metadata.ts';
import type { Client } from './clients.ts';

/** A client as the operator wrote it: an entry of `clients` in the configuration. */
export interface StaticClientSettings {
  readonly client_id: string;
  readonly client_name?: string | undefined;
  readonly client_uri?: string | undefined;
  readonly redirect_uris: readonly string[];
  readonly grant_types: readonly string[];
  readonly token_endpoint_auth_method: AuthMethod;
  readonly client_secret?: string | undefined;
  /** JSON text of a key set. */
  readonly jwks?: string | undefined;
  readonly scopes: readonly string[];
  readonly trusted: boolean;
  readonly introspect_all: boolean;
  readonly access_token_ttl_seconds?: number | undefined;
  readonly session_ttl_seconds?: number | undefined;
  readonly token_answer_claims: boolean;
  readonly access_token_format: 'opaque' | 'jwt';
  readonly access_token_signing_alg: SigningAlgorithm;
  readonly access_token_typ: 'at+jwt' | 'JWT';
}

/**
 * The static clients, by id. They are `native`, since only then the port of a loopback redirect URI is free; which other URIs are sound was
 * checked with the configuration.
 */
export function readStaticClients(settings: readonly StaticClientSettings[]): ReadonlyMap<string, Client> {
  return new Map(settings.map((entry) => [entry.client_id, toStaticClient(entry)]));
}

function toStaticClient(entry: StaticClientSettings): Client {
  const { client_name: name, client_uri: uri, client_secret: secret } = entry;
  const { access_token_ttl_seconds: ttl, session_ttl_seconds: sessionTtl } = entry;
  return {
    id: entry.client_id,
    metadata: {
      ...(uri === undefined ? {} : { client_uri: uri }),
      ...(name === undefined ? {} : { client_name: name }),
      application_type: 'native',
      redirect_uris: entry.redirect_uris,
      grant_types: entry.grant_types,
      response_types: entry.grant_types.includes('authorization_code') ? ['code'] : [],
      token_endpoint_auth_method: entry.token_endpoint_auth_method,
    },
    secretHash: secret === undefined ? null : hashSecret(secret),
    operator: {
      ...(entry.jwks === undefined ? {} : { keys: JSON.parse(entry.jwks) as JSONWebKeySet }),
      ...(ttl === undefined ? {} : { accessTokenTtl: ttl * 1000 }),
      ...(sessionTtl === undefined ? {} : { sessionTtl: sessionTtl * 1000 }),
      ...(entry.access_token_format === 'jwt' ? { jwtAlgorithm: entry.access_token_signing_alg } : {}),
      ...(entry.access_token_typ === 'JWT' ? { jwtType: entry.access_token_typ } : {}),
      ...(entry.token_answer_claims ? { tellsClaims: true } : {}),
      trusted: entry.trusted,
      scopes: entry.scopes,
      introspectsAll: entry.introspect_all,
    },
  };
}
