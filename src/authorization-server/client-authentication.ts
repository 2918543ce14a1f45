/** Client authentication (RFC 6749 section 2.3): `none`, `client_secret_basic`, `client_secret_post`. */
import { timingSafeEqual } from 'node:crypto';
import type { ApiRequest } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { hashSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/database.ts';
import { type Client, loadClient } from './clients.ts';

interface Credentials {
  readonly clientId: string;
  readonly secret: string | undefined;
  readonly method: 'none' | 'client_secret_basic' | 'client_secret_post';
}

/**
 * The client that makes this request. `invalid_client` is 401, with `WWW-Authenticate` only where the client used that header (RFC 6749
 * section 5.2); two methods at once are `invalid_request`.
 */
export async function authenticateClient(deps: { db: Database }, request: ApiRequest): Promise<Client> {
  const credentials = readCredentials(request);
  const refuse = (reason: string): never => {
    throw invalidClient(reason, credentials.method === 'client_secret_basic');
  };
  const client = await loadClient(deps.db.query, credentials.clientId);
  if (client === undefined) return refuse('the client is not registered');
  request.annotate({ clientId: client.id });
  const expected = client.metadata.token_endpoint_auth_method;
  if (credentials.method !== expected) {
    return refuse(`the client is registered for the authentication method ${expected}`);
  }
  if (client.secretHash === null) return client;
  const presented = Buffer.from(hashSecret(credentials.secret ?? ''));
  if (!timingSafeEqual(presented, Buffer.from(client.secretHash)))
    return refuse('the client secret is wrong');
  return client;
}

function readCredentials({ form, headers }: ApiRequest): Credentials {
  const authorization = headers.authorization;
  const clientId = form.get('client_id');
  const secret = form.get('client_secret') === '' ? undefined : form.get('client_secret');
  if (form.has('client_assertion') || form.has('client_assertion_type')) {
    throw invalidClient('client assertions are not supported', false);
  }
  if (authorization !== undefined) {
    const basic = readBasic(authorization);
    if (secret !== undefined)
      throw new OAuthError('invalid_request', 'use one client authentication method, not two');
    if (clientId !== undefined && clientId !== basic.clientId) {
      throw new OAuthError('invalid_request', 'client_id differs from the one in the Authorization header');
    }
    return { ...basic, method: 'client_secret_basic' };
  }
  if (clientId === undefined || clientId === '') throw invalidClient('client_id is missing', false);
  return { clientId, secret, method: secret === undefined ? 'none' : 'client_secret_post' };
}

/** RFC 6749 section 2.3.1: both halves are form-urlencoded before they are joined. */
function readBasic(authorization: string): { clientId: string; secret: string } {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const text = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0)
    throw invalidClient('the Authorization header is not well-formed Basic', true);
  try {
    return { clientId: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) };
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
