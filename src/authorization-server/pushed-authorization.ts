/** Pushed authorization requests (RFC 9126): the parameters come over the back channel, and the browser carries a reference to them. */
import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { limitedBy, noStore } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { hashSecret, issueSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import { touchClient } from '../storage/records/clients.ts';
import { insertPushedRequest, takePushedRequest } from '../storage/records/pushed-requests.ts';
import {
  judgeParameters,
  keptParameters,
  type RawParameters,
  readParameters,
  readTarget,
  untellable,
} from './authorization-parameters.ts';
import { authenticateClient } from './client-authentication/client-authentication.ts';
import type { Client } from '../clients/clients.ts';
import type { AuthorizationServerDeps } from './deps.ts';

/** RFC 9126 section 2.2. */
const PREFIX = 'urn:ietf:params:oauth:request_uri:';

/** How long a client has to send the browser, in seconds. */
const LIFETIME_SECONDS = 60;
/** How far apart the clocks of two processes may be, in seconds: the browser may come to another one than the client did. */
const CLOCK_SKEW_SECONDS = 60;

/** What authenticates the client, and is no part of the request. */
const CREDENTIALS = ['client_secret', 'client_assertion', 'client_assertion_type'];

/** Takes a request: it is judged as at the authorization endpoint, and what is wrong with it is told at once. */
export function pushAuthorizationRequest(
  deps: AuthorizationServerDeps,
): OperationHandler<operations, 'pushAuthorizationRequest'> {
  return limitedBy(deps.signInGuard, async (request) => {
    if (request.form.has('request_uri')) {
      throw new OAuthError('invalid_request', 'request_uri is what this endpoint answers with');
    }
    const client = await authenticateClient(deps, request);
    const sent = [...request.form].filter(([name]) => !CREDENTIALS.includes(name));
    const raw = readParameters(sent);
    readTarget(raw, client);
    judgeParameters(raw, client, deps.operatorScopes);
    const kept = [...raw.values].filter(([name]) => keptParameters.has(name));
    const secret = issueSecret('pushedRequest', deps.random);
    const now = deps.clock.now();
    await deps.db.write(async (tx) => {
      await touchClient(tx, { id: client.id, at: now });
      await insertPushedRequest(tx, deps.sealer, {
        hash: hashSecret(secret),
        clientId: client.id,
        parameters: Object.fromEntries(kept),
        expiresAt: now + (LIFETIME_SECONDS + CLOCK_SKEW_SECONDS) * 1000,
      });
    });
    return {
      status: 201,
      headers: noStore,
      body: { request_uri: PREFIX + secret, expires_in: LIFETIME_SECONDS },
    };
  });
}

/** Whether a request refers to a pushed one. */
export function refersToPushed({ values }: RawParameters): boolean {
  return values.get('request_uri')?.startsWith(PREFIX) === true;
}

/**
 * The parameters that were pushed, which stand in place of all others; they can be taken once. Throws what only a page can say: without them
 * there is no redirect URI.
 */
export async function takePushedParameters(
  deps: AuthorizationServerDeps,
  client: Client,
  { values, duplicated }: RawParameters,
): Promise<RawParameters> {
  if (duplicated.includes('request_uri')) {
    throw untellable('request_uri is given twice');
  }
  const secret = values.get('request_uri')?.slice(PREFIX.length) ?? '';
  const taken = isWellFormedSecret('pushedRequest', secret)
    ? await deps.db.write((tx) =>
        takePushedRequest(tx, deps.sealer, {
          hash: hashSecret(secret),
          clientId: client.id,
          at: deps.clock.now(),
        }),
      )
    : undefined;
  if (taken === undefined) {
    throw untellable(
      'request_uri is not one that was pushed for this client, was used before, or has expired',
      'invalid_request_uri',
    );
  }
  return { values: new Map(Object.entries(taken)), duplicated: [] };
}
