import type { operations } from '../../generated/matrix-client.ts';
import type { Handler } from '../../http/exchange.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';

type Body = operations['register']['requestBody']['content']['application/json'];

const APPLICATION_SERVICE = 'm.login.application_service';

/**
 * Registration: people come by the identity provider, guests not at all. Application services still make their users, at the homeserver, which
 * knows them; one that wants to be signed in by it cannot be (client-server API, `POST /register`, since version 1.17).
 */
export const register: Handler<Body, never> = (request) => {
  if (request.query.get('kind') === 'guest') {
    throw new MatrixError(403, 'M_FORBIDDEN', 'Guests cannot be registered on this server');
  }
  if (request.body.type !== APPLICATION_SERVICE) {
    throw new MatrixError(
      403,
      'M_FORBIDDEN',
      'Registration is disabled: sign in through the identity provider',
    );
  }
  if (request.body.inhibit_login !== true) {
    throw new MatrixError(
      400,
      'M_APPSERVICE_LOGIN_UNSUPPORTED',
      'Application services cannot be signed in by registration: set inhibit_login to true',
    );
  }
  throw new MatrixError(
    404,
    'M_UNRECOGNIZED',
    'Users of application services are registered at the homeserver',
  );
};
