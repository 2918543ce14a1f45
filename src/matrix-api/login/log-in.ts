import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { type ApiRequest, noStore } from '../../http/exchange.ts';
import { userId } from '../../protocol/identifiers.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import type { LegacyTokens } from '../../sessions/start-legacy.ts';
import { beginSession, type Person } from './begin-session.ts';
import type { LogInDeps } from './deps.ts';
import { readDevice } from './device.ts';
import type { LogInBody } from './log-in-body.ts';
import { hasLegacyLogin } from './methods.ts';
import { logInByPassword } from './password.ts';
import { signInByToken } from './token.ts';

type Answer = operations['logIn']['responses'][200]['content']['application/json'];

/**
 * `POST /login`: whoever proves who they are by the type of login that the body names gets a session on the device that it names, or on a new
 * one. The homeserver knows user and device before the client has a token, and before anything is redeemed.
 */
export function logIn(deps: LogInDeps): OperationHandler<operations, 'logIn'> {
  return async (request) => {
    const identify = chooseMethod(deps, request.body.type);
    const device = readDevice(request.body, deps.random);
    const person = await identify(request);
    const { user, tokens } = await beginSession(deps, person, device);
    request.annotate({ sessionId: tokens.sessionId, userId: user.id });
    return {
      status: 200,
      headers: noStore,
      body: {
        user_id: userId(user.localpart, deps.serverName),
        access_token: tokens.accessToken,
        device_id: device.id,
        home_server: deps.serverName,
        ...refreshMembers(tokens),
        ...(deps.homeserverUrl === undefined
          ? {}
          : { well_known: { 'm.homeserver': { base_url: deps.homeserverUrl } } }),
      },
    };
  };
}

type Identify = (request: ApiRequest<LogInBody>) => Promise<Person>;

function chooseMethod(deps: LogInDeps, type: string): Identify {
  const { password, sso } = deps.login;
  // Told even if there is no legacy login at all (client-server API v1.17, 400 of this route): a bridge then knows what is wrong.
  if (type === 'm.login.application_service') {
    throw new MatrixError(
      400,
      'M_APPSERVICE_LOGIN_UNSUPPORTED',
      'Application services cannot log in here: they act with their own token',
    );
  }
  if (!hasLegacyLogin(deps.login)) {
    throw new MatrixError(404, 'M_UNRECOGNIZED', 'Clients log in by OAuth 2.0 on this server');
  }
  if (type === 'm.login.password' && password !== undefined) {
    return (request) => logInByPassword(deps, password, request);
  }
  if (type === 'm.login.token' && sso) return (request) => signInByToken(deps, request.body);
  throw new MatrixError(400, 'M_UNKNOWN', 'Bad login type: see GET /login for those that are offered');
}

function refreshMembers({ refresh }: LegacyTokens): Pick<Answer, 'refresh_token' | 'expires_in_ms'> {
  if (refresh === undefined) return {};
  return { refresh_token: refresh.token, expires_in_ms: refresh.expiresInSeconds * 1000 };
}
