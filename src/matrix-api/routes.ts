/**
 * The routes of the Matrix client-server API that are answered here. Owns nothing: discovery serves what `metadata/` built, the rest asks
 * `sessions/`.
 */
import type { operations } from '../generated/matrix-client.ts';
import type { Handler } from '../http/exchange.ts';
import type { PreparedBody } from '../http/etag.ts';
import type { FindAccessDeps } from '../sessions/find.ts';
import { whoami } from './whoami.ts';

/** Handlers by operationId of `openapi/matrix-client.yaml`. */
export function matrixApiHandlers(
  deps: FindAccessDeps & { serverName: string },
  prepared: { metadata: PreparedBody; issuer: PreparedBody },
): Record<keyof operations, Handler<never>> {
  const metadata: Handler = (request) => prepared.metadata.reply(request.headers);
  return {
    getAuthMetadata: metadata,
    getAuthMetadataUnstable: metadata,
    getAuthIssuer: (request) => prepared.issuer.reply(request.headers),
    whoami: whoami(deps),
    whoamiR0: whoami(deps),
  };
}
