import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/authorization-server.ts';
import type { ClientId } from '../../protocol/identifiers.ts';
import { RequestFault } from '../../http/fault.ts';
import { type ApiRequest, limitedBy, noStore } from '../../http/exchange.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { OAuthError } from '../../protocol/oauth-error.ts';
import { askableScopes } from '../../protocol/operator-scope.ts';
import { judgeLoginScope, type LoginScope } from '../../protocol/scope.ts';
import { hashSecret, issueSecret } from '../../protocol/token-format.ts';
import { Unavailable } from '../../protocol/unavailable.ts';
import { touchClient } from '../../storage/records/clients.ts';
import { hasDeviceGrants, insertDeviceGrant } from '../../storage/records/device-grants.ts';
import { authenticateClient } from '../client-authentication/client-authentication.ts';
import { DEVICE_CODE_GRANT } from '../../clients/client-metadata.ts';
import type { Client } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { hashUserCode, newUserCode, showUserCode } from './user-code.ts';

/** How long a person has to find another device and sign in, in milliseconds. */
const LIFETIME = 15 * 60_000;
/** Seconds between two polls (RFC 8628 section 3.2). */
const INTERVAL_SECONDS = 5;

/**
 * Device authorization endpoint (RFC 8628 section 3.1). The scope is that of any login: one device, named by the client; nothing is told to the
 * homeserver before a person has agreed and the client has come for its tokens.
 */
export function authorizeDevice(
  deps: AuthorizationServerDeps,
): OperationHandler<operations, 'authorizeDevice'> {
  return limitedBy(deps.deviceGrants.limit, async (request) => {
    const client = await authenticateClient(deps, request);
    const scope = judgeRequest(deps, request, client);
    const deviceCode = issueSecret('deviceCode', deps.random);
    const userCode = await keepGrant(deps, {
      deviceCode,
      client,
      scope,
      address: request.clientAddress,
    });
    const shown = showUserCode(userCode);
    const uri = endpointUrl(deps.issuer, 'device');
    return {
      status: 200,
      headers: noStore,
      body: {
        device_code: deviceCode,
        user_code: shown,
        verification_uri: uri,
        verification_uri_complete: `${uri}?user_code=${shown}`,
        expires_in: LIFETIME / 1000,
        interval: INTERVAL_SECONDS,
      },
    };
  });
}

function judgeRequest(
  { operatorScopes }: Pick<AuthorizationServerDeps, 'operatorScopes'>,
  request: ApiRequest,
  client: Client,
): LoginScope {
  if (!client.metadata.grant_types.includes(DEVICE_CODE_GRANT)) {
    throw new OAuthError('unauthorized_client', 'the client is not registered for the device grant');
  }
  if (request.form.get('prompt')?.split(' ').includes('create') === true) {
    throw new OAuthError('invalid_request', 'prompt=create is not for the device grant');
  }
  const askable = askableScopes(operatorScopes, client.operator?.scopes);
  const judged = judgeLoginScope(request.form.get('scope') ?? '', askable);
  if (!judged.ok) throw new OAuthError('invalid_scope', judged.fault);
  return judged.scope;
}

/** Stores the grant under a user code that no other has, and resolves to that code. */
async function keepGrant(
  deps: AuthorizationServerDeps,
  asked: { deviceCode: string; client: Client; scope: LoginScope; address: string },
): Promise<string> {
  const { client, scope } = asked;
  for (let attempt = 0; attempt < 5; attempt++) {
    const userCode = newUserCode(deps.random);
    const kept = await deps.db.write(async (tx) => {
      const now = deps.clock.now();
      await refuseTooMany(tx, deps, { clientId: client.id, address: asked.address, now });
      await touchClient(tx, { id: client.id, at: now });
      return insertDeviceGrant(tx, {
        hash: hashSecret(asked.deviceCode),
        user_code_hash: hashUserCode(deps.deviceGrants.userCodeKey, userCode),
        client_id: client.id,
        scope: scope.granted.join(' '),
        device_id: scope.deviceId,
        address: asked.address,
        created_at: now,
        expires_at: now + LIFETIME,
        interval_seconds: INTERVAL_SECONDS,
        polled_at: null,
        sign_in_id: null,
        user_id: null,
        decision: null,
        authenticated_at: null,
        upstream_sid: null,
        consumed_at: null,
        session_id: null,
      });
    });
    if (kept) return userCode;
  }
  throw new Unavailable('the device grant', { cause: new Error('no free user code was found') });
}

/** One client cannot take the others' places, and nobody can take the place of an address that asks for little. */
async function refuseTooMany(
  tx: Parameters<typeof hasDeviceGrants>[0],
  { deviceGrants }: Pick<AuthorizationServerDeps, 'deviceGrants'>,
  { clientId, address, now }: { clientId: ClientId; address: string; now: number },
): Promise<void> {
  const { waitingCap, limit } = deviceGrants;
  if (limit.isQuiet(address)) return;
  if (await hasDeviceGrants(tx, { at: now, count: waitingCap })) {
    throw new Unavailable('the device grant', {
      retryAfterSeconds: 60,
      cause: new Error('limits.device_grants grants are waiting'),
    });
  }
  if (await hasDeviceGrants(tx, { at: now, count: Math.max(1, Math.floor(waitingCap / 2)), clientId })) {
    throw new RequestFault('rate', 429, 'M_LIMIT_EXCEEDED', 'too many devices are waiting, try again later', {
      headers: { 'retry-after': '60' },
      reason: 'the client has half of limits.device_grants waiting',
    });
  }
}
