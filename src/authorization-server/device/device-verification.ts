/** What a person does for a device grant (RFC 8628 section 3.3): types the code, signs in, and decides. GET changes nothing. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import { type Reservation, reserveAll } from '../../http/rate-limit.ts';
import { ensureBrowserSecret, readBrowserSecret } from '../../http/cookies.ts';
import type { Handler } from '../../http/exchange.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { PageRefusal } from '../../http/pages/page-refusal.ts';
import { wordsIn } from '../../http/pages/words.ts';
import { message } from '../../texts/message.ts';
import { hashSecret } from '../../protocol/token-format.ts';
import { beginSignIn } from '../../sign-in/begin.ts';
import type { SignInPurpose } from '../../sign-in/deps.ts';
import {
  claimDeviceGrant,
  type DeviceGrant,
  findDeviceGrantByUserCode,
  findDeviceGrantOfSignIn,
  insertDeviceRequest,
} from '../../storage/records/device-grants.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { codePage } from './device-page.ts';
import { hashUserCode, readUserCode, showUserCode } from './user-code.ts';

/** Each so many wrong codes within the window are told to the operator. */
const ALARM = 100;

const COOKIE = 'device';
const PURPOSE = 'device code';

/** After a sign-in for a device comes the confirmation; the first person who signs in owns the code. */
export function deviceGrantPurpose(deps: { issuer: string }): SignInPurpose {
  return {
    next: (signIn) => endpointUrl(deps.issuer, `device/${signIn.id}`),
    wayBack: () =>
      Promise.resolve({ url: endpointUrl(deps.issuer, 'device'), label: message('device.type-again') }),
    async identified(tx, { signInId, userId }) {
      const grant = await findDeviceGrantOfSignIn(tx, signInId);
      if (grant !== undefined) await claimDeviceGrant(tx, { hash: grant.hash, signInId, userId });
    },
  };
}

/** The form. A code in the link is filled in, and still has to be confirmed by the button. */
export function showCodeForm(deps: AuthorizationServerDeps): Handler {
  return (request) => {
    const { secret, headers } = ensureBrowserSecret(deps, request, COOKIE);
    const typed = readUserCode(request.query.get('user_code') ?? '');
    return codePage(deps, wordsIn(request.language), {
      csrfField: deps.csrf.field(secret, PURPOSE),
      code: typed === undefined ? '' : showUserCode(typed),
      headers,
    });
  };
}

/** Takes a code: a good one goes on to the IdP, a wrong one counts as a guess. */
export function enterCode(deps: AuthorizationServerDeps): Handler {
  const reserveGuess = createGuessLimits(deps);
  return async (request) => {
    const secret = readBrowserSecret(deps.issuer, request, COOKIE);
    deps.csrf.check(request, secret, PURPOSE);
    const keys = { browser: hashSecret(secret ?? ''), address: request.clientAddress };
    const guess = reserveGuess(keys);
    const grant = await findWaiting(deps, request.form.get('user_code') ?? '').catch((error: unknown) => {
      guess.giveBack();
      throw error;
    });
    if (grant === undefined) {
      request.annotate({ reason: 'unknown user code' });
      guess.keep();
      return codePage(deps, wordsIn(request.language), {
        csrfField: deps.csrf.field(secret ?? '', PURPOSE),
        code: '',
        fault: message('device.unknown-code'),
      });
    }
    guess.giveBack();
    request.annotate({ clientId: grant.client_id });
    deps.signInGuard.take(request.clientAddress);
    return beginSignIn(deps, {
      request,
      purpose: 'device_grant',
      remember: (tx, signInId) => insertDeviceRequest(tx, { signInId, hash: grant.hash }),
    });
  };
}

async function findWaiting(deps: AuthorizationServerDeps, typed: string): Promise<DeviceGrant | undefined> {
  const code = readUserCode(typed);
  if (code === undefined) return undefined;
  const hash = hashUserCode(deps.deviceGrants.userCodeKey, code);
  const grant = await findDeviceGrantByUserCode(deps.db.query, hash);
  if (grant === undefined || grant.decision !== null) return undefined;
  return grant.expires_at > deps.clock.now() ? grant : undefined;
}

/** Counts a guess before its outcome is known. Throws a 429 if there were too many, a 503 if all addresses together had them and this one is not quiet. */
type ReserveGuess = (keys: { browser: string; address: string }) => Reservation;

function createGuessLimits(deps: AuthorizationServerDeps): ReserveGuess {
  const { perBrowser, perAddress } = deps.deviceGrants.guesses;
  let wrong = 0;
  return ({ browser, address }) => {
    const guess = reserveAll([
      [perBrowser, browser],
      [perAddress, address],
    ]);
    return {
      giveBack: () => {
        guess.giveBack();
      },
      keep: () => {
        guess.keep();
        wrong += 1;
        if (wrong % ALARM === 0)
          deps.emit('user_codes_guessed', { reason: `${String(wrong)} wrong user codes` });
      },
    };
  };
}

/** Whose grant it is decides, and only while it is open. Throws what the page says. */
export function refuseForeign(grant: DeviceGrant, userId: InternalUserId, now: number): void {
  if (grant.user_id !== userId) {
    throw new PageRefusal(message('device.claimed'), { status: 403 });
  }
  if (grant.decision !== null || grant.expires_at <= now) throw new PageRefusal(message('device.expired'));
}
