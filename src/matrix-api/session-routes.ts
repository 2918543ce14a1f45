/** The routes that live on sessions which are there: refresh, sign-out, devices; and those that a server without passwords of its own refuses. */
import type { operations } from '../generated/matrix-client.ts';
import type { OperationHandlers } from '../http/operation-handler.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { register } from './delegated/register.ts';
import { unrecognized } from './delegated/unrecognized.ts';
import type { MatrixApiDeps } from './deps.ts';
import { getDevice, getDevices } from './devices/list.ts';
import { deleteDevice, deleteDevices } from './devices/remove.ts';
import { updateDevice } from './devices/rename.ts';
import { logout } from './logout.ts';
import { logoutAll } from './logout-all.ts';
import { refreshTokens } from './refresh.ts';
import { showFallback } from './user-interactive/fallback.ts';
import { whoami } from './whoami.ts';

type Handlers<Names extends keyof operations> = OperationHandlers<operations, Names>;

/** What clients do with the tokens that they have. */
export function sessionHandlers(
  deps: MatrixApiDeps,
  options: {
    /** Whether there is an account page. */
    readonly hasAccountPage: boolean;
  },
): Handlers<
  | 'whoami'
  | 'refreshTokens'
  | 'logout'
  | 'logoutAll'
  | 'getDevices'
  | 'getDevice'
  | 'updateDevice'
  | 'deleteDevice'
  | 'deleteDevices'
  | 'showUserInteractiveFallback'
> {
  const accountUrl = options.hasAccountPage ? endpointUrl(deps.issuer, 'account') : undefined;
  return {
    whoami: whoami(deps),
    refreshTokens: refreshTokens(deps),
    logout: logout(deps),
    logoutAll: logoutAll(deps),
    getDevices: getDevices(deps),
    getDevice: getDevice(deps),
    updateDevice: updateDevice(deps),
    deleteDevice: deleteDevice(deps),
    deleteDevices: deleteDevices(deps),
    showUserInteractiveFallback: showFallback(deps, accountUrl),
  };
}

/** What belongs to the identity provider where people belong to it, in every mode. */
export const delegatedHandlers: Handlers<
  | 'register'
  | 'checkUsernameAvailability'
  | 'registrationTokenValidity'
  | 'requestTokenToRegisterEmail'
  | 'requestTokenToRegisterMSISDN'
  | 'changePassword'
  | 'requestTokenToResetPasswordEmail'
  | 'requestTokenToResetPasswordMSISDN'
  | 'deactivateAccount'
  | 'add3PID'
  | 'delete3pidFromAccount'
  | 'requestTokenTo3PIDEmail'
  | 'requestTokenTo3PIDMSISDN'
  | 'generateLoginToken'
> = {
  register,
  checkUsernameAvailability: unrecognized,
  registrationTokenValidity: unrecognized,
  requestTokenToRegisterEmail: unrecognized,
  requestTokenToRegisterMSISDN: unrecognized,
  changePassword: unrecognized,
  requestTokenToResetPasswordEmail: unrecognized,
  requestTokenToResetPasswordMSISDN: unrecognized,
  deactivateAccount: unrecognized,
  add3PID: unrecognized,
  delete3pidFromAccount: unrecognized,
  requestTokenTo3PIDEmail: unrecognized,
  requestTokenTo3PIDMSISDN: unrecognized,
  generateLoginToken: unrecognized,
};
