import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { type PreparedBody, prepareBody } from '../http/etag.ts';
import { PREPUBLISH } from '../signing-keys/key-schedule.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/** The public keys of ID tokens (RFC 7517 section 5). They may be kept no longer than a new key is published before it signs. */
export function getJwks(deps: {
  signingKeys: SigningKeys;
}): OperationHandler<operations, 'getJwks', unknown> {
  const kind = {
    contentType: 'application/json',
    cacheControl: `public, max-age=${String(PREPUBLISH / 1000)}`,
  };
  let text = '';
  let prepared: PreparedBody | undefined;
  return async (request) => {
    const current = JSON.stringify({ keys: await deps.signingKeys.published() });
    if (prepared === undefined || current !== text) prepared = prepareBody(current, kind);
    text = current;
    return prepared.reply(request.headers);
  };
}
