import type { Handler } from '../../http/exchange.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';

/** A route that this server does not have, in the one word by which clients know (client-server API, "Unsupported endpoints"). */
export const unrecognized: Handler<unknown, never> = () => {
  throw new MatrixError(404, 'M_UNRECOGNIZED', 'This route is not served here');
};
