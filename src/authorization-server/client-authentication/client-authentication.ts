/** Client authentication (RFC 6749 section 2.3): `none`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`. */
import type { ClientId } from '../../protocol/identifiers.ts';
import { timingSafeEqual } from 'node:crypto';
import type { ApiRequest } from '../../http/exchange.ts';
import { OAuthError } from '../../protocol/oauth-error.ts';
import { hashSecret } from '../../protocol/token-format.ts';
import {
  type AssertionDeps,
  AssertionFault,
  JWT_BEARER,
  readAssertionSubject,
  verifyAssertion,
} from './client-assertion.ts';
import type { AuthMethod } from '../../clients/client-metadata.ts';
import { type Client, type ClientLookupDeps, loadClient } from '../../clients/clients.ts';

interface Credentials {
  readonly clientId: ClientId;
  /** The secret, or the assertion. */
  readonly proof: string | undefined;
  readonly method: AuthMethod;
}

export type ClientAuthenticationDeps = ClientLookupDeps & AssertionDeps;

/**
 * The client that makes this request. `invalid_client` is 401, with `WWW-Authenticate` only where the client used that header (RFC 6749
 * section 5.2); two methods at once are `invalid_request`.
 */
export async function authenticateClient(
  deps: ClientAuthenticationDeps,
  request: ApiRequest,
): Promise<Client> {
  const credentials = readCredentials(request);
  const refuse = (reason: string): never => {
    throw invalidClient(reason, credentials.method === 'client_secret_basic');
  };
  const client = await loadClient(deps, credentials.clientId);
  if (client === undefined) return refuse('the client is not registered');
  request.annotate({ clientId: client.id });
  const expected = client.metadata.token_endpoint_auth_method;
  if (credentials.method !== expected) {
    return refuse(`the client is registered for the authentication method ${expected}`);
  }
  const proof = credentials.proof ?? '';
  switch (expected) {
    case 'none':
      return client;
    case 'client_secret_basic':
    case 'client_secret_post':
      return isSecretOf(client, proof) ? client : refuse('the client secret is wrong');
    case 'private_key_jwt': {
      const keys = client.operator?.keys;
      if (keys === undefined) return refuse('the client has no keys');
      await verifyAssertion(deps, { assertion: proof, clientId: client.id, keys }).catch(explainFault);
      return client;
    }
  }
}

/** Whether a request says more of the client than a name: credentials, which then must be right. */
export function hasCredentials({ form, headers }: ApiRequest): boolean {
  if (headers.authorization !== undefined) return true;
  return ['client_secret', 'client_assertion'].some((name) => (form.get(name) ?? '') !== '');
}

function isSecretOf(client: Client, secret: string): boolean {
  if (client.secretHash === null) return false;
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(client.secretHash));
}

function readCredentials(request: ApiRequest): Credentials {
  const { form, headers } = request;
  const { authorization } = headers;
  const clientId = form.get('client_id') ?? '';
  const secret = form.get('client_secret') ?? '';
  const assertion = form.get('client_assertion') ?? '';
  const used = [authorization !== undefined, secret !== '', assertion !== ''].filter(Boolean);
  if (used.length > 1)
    throw new OAuthError('invalid_request', 'use one client authentication method, not two');
  if (authorization !== undefined) {
    const { id, secret: proof } = readBasic(authorization);
    if (clientId !== '' && clientId !== id) {
      throw new OAuthError('invalid_request', 'client_id differs from the one in the Authorization header');
    }
    return { clientId: id, proof, method: 'client_secret_basic' };
  }
  if (assertion !== '' || form.has('client_assertion_type'))
    return readAssertion(request, assertion, clientId);
  if (clientId === '') throw invalidClient('client_id is missing', false);
  if (secret === '') return { clientId, proof: undefined, method: 'none' };
  return { clientId, proof: secret, method: 'client_secret_post' };
}

function readAssertion({ form }: ApiRequest, assertion: string, clientId: ClientId): Credentials {
  if (form.get('client_assertion_type') !== JWT_BEARER) {
    throw invalidClient(`client_assertion_type must be ${JWT_BEARER}`, false);
  }
  let subject = '';
  try {
    subject = readAssertionSubject(assertion);
  } catch (error) {
    explainFault(error);
  }
  if (clientId !== '' && clientId !== subject) {
    throw invalidClient('client_id differs from the subject of the client assertion', false);
  }
  return { clientId: subject, proof: assertion, method: 'private_key_jwt' };
}

function explainFault(error: unknown): never {
  if (!(error instanceof AssertionFault)) throw error;
  throw new OAuthError('invalid_client', 'the client assertion is not valid', { reason: error.message });
}

/** RFC 6749 section 2.3.1: both halves are form-urlencoded before they are joined. */
function readBasic(authorization: string): { id: string; secret: string } {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const text = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0)
    throw invalidClient('the Authorization header is not well-formed Basic', true);
  try {
    return { id: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) };
  } catch {
    throw invalidClient('the credentials in the Authorization header are not form-urlencoded', true);
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function invalidClient(reason: string, usedHeader: boolean): OAuthError {
  return new OAuthError('invalid_client', reason, {
    headers: usedHeader ? { 'www-authenticate': 'Basic realm="gatehouse", charset="UTF-8"' } : {},
  });
}
