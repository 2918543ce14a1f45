/** Client authentication (RFC 6749 section 2.3): `none`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`. */
import type { ClientId } from '../../protocol/identifiers.ts';
import { timingSafeEqual } from 'node:crypto';
import type { ApiRequest } from '../../http/exchange.ts';
import type { SecretGuesses } from '../../http/secret-guesses.ts';
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

const INVALID_ASSERTION = 'the client assertion is not valid';

interface Credentials {
  readonly clientId: ClientId;
  /** The secret, or the assertion. */
  readonly proof: string | undefined;
  readonly method: AuthMethod;
}

export type ClientAuthenticationDeps = ClientLookupDeps &
  AssertionDeps & { readonly secretGuesses: SecretGuesses };

/**
 * The client that makes this request. `invalid_client` is 401, with `WWW-Authenticate` only if the client used that header (RFC 6749
 * section 5.2); two methods at once are `invalid_request`. Wrong proofs are counted (RFC 6749 section 2.3.1: against brute force).
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
  if (expected === 'none') return client;
  const presented = {
    owner: { clientId: client.id },
    clientAddress: request.clientAddress,
    never4xx: request.operationId === 'introspectToken' || request.form.get('grant_type') === 'refresh_token',
  };
  deps.secretGuesses.admit(presented);
  const fault = await proofFault(deps, client, credentials.proof ?? '');
  if (fault === undefined) {
    deps.secretGuesses.right(presented);
    return client;
  }
  deps.secretGuesses.wrong(presented, fault.reason);
  throw invalidClient(fault.message, credentials.method === 'client_secret_basic', fault.reason);
}

/** What is wrong with a client's secret or assertion, in words for the client and for the log. */
async function proofFault(
  deps: ClientAuthenticationDeps,
  client: Client,
  proof: string,
): Promise<{ readonly message: string; readonly reason: string } | undefined> {
  const say = (message: string, reason = message) => ({ message, reason });
  if (client.metadata.token_endpoint_auth_method !== 'private_key_jwt') {
    return isSecretOf(client, proof) ? undefined : say('the client secret is wrong');
  }
  const keys = client.operator?.keys;
  if (keys === undefined) return say('the client has no keys');
  try {
    await verifyAssertion(deps, { assertion: proof, clientId: client.id, keys });
    return undefined;
  } catch (error) {
    if (!(error instanceof AssertionFault)) throw error;
    return say(INVALID_ASSERTION, error.message);
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
  throw invalidClient(INVALID_ASSERTION, false, error.message);
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

function invalidClient(message: string, usedHeader: boolean, reason = message): OAuthError {
  return new OAuthError('invalid_client', message, {
    reason,
    headers: usedHeader ? { 'www-authenticate': 'Basic realm="gatehouse", charset="UTF-8"' } : {},
  });
}
