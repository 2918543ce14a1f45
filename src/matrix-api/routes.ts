/**
 * The routes of the Matrix client-server API that are answered here. Owns nothing: discovery serves what `metadata/` built, the rest asks
 * `sessions/`.
 */
import type { operations } from '../generated/matrix-client.ts';
import type { Handler } from '../http/exchange.ts';
import { MatrixError } from '../protocol/matrix-error.ts';
import type { FindAccessDeps } from '../sessions/find.ts';
import { clientWellKnown, type WellKnownOptions } from './client-well-known.ts';
import type { PublishedMetadata } from './published-metadata.ts';
import { whoami } from './whoami.ts';

/** Handlers by operationId of `openapi/matrix-client.yaml`. */
export function matrixApiHandlers(
  deps: FindAccessDeps & { serverName: string },
  more: {
    published: PublishedMetadata;
    wellKnown: WellKnownOptions;
    /** Whether access tokens of clients can be judged here. False in passthrough mode. */
    knowsTokens: boolean;
  },
): Record<keyof operations, Handler<never>> {
  return {
    getAuthMetadata: (request) => more.published.metadata.reply(request.headers),
    getAuthIssuer: (request) => more.published.issuer.reply(request.headers),
    getClientWellKnown: clientWellKnown(more.wellKnown),
    whoami: more.knowsTokens ? whoami(deps) : unrecognised,
  };
}

/** For the homeserver to answer: whoever asks here came by a wrong way. */
const unrecognised: Handler = () => {
  throw new MatrixError(404, 'M_UNRECOGNIZED', 'This route is not served here');
};
