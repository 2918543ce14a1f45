import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/matrix-client.ts';
import { prepareBody } from '../http/etag.ts';
import { MatrixError } from '../protocol/matrix-error.ts';

export interface WellKnownOptions {
  /** `homeserver.public_url`; undefined if the operator serves this document elsewhere. */
  readonly homeserverUrl: string | undefined;
  /** The issuer that `auth_metadata` publishes; undefined if the OAuth API is switched off. */
  readonly issuer: string | undefined;
  readonly cacheControl: string;
}

/**
 * `/.well-known/matrix/client`: where the homeserver is, and, for clients of the time before `auth_metadata` (MSC2965), who the issuer is. 404 if
 * `homeserver.public_url` is not set.
 */
export function clientWellKnown({
  homeserverUrl,
  issuer,
  cacheControl,
}: WellKnownOptions): OperationHandler<operations, 'getClientWellKnown', unknown> {
  if (homeserverUrl === undefined) {
    return () => {
      throw new MatrixError(
        404,
        'M_NOT_FOUND',
        'This document is not served here: homeserver.public_url is not set',
      );
    };
  }
  const document = prepareBody(
    {
      'm.homeserver': { base_url: homeserverUrl },
      ...(issuer === undefined ? {} : { 'org.matrix.msc2965.authentication': { issuer } }),
    },
    { contentType: 'application/json', cacheControl },
  );
  return (request) => document.reply(request.headers);
}
