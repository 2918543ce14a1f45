/** Scopes: RFC 6749 §3.3 and the Matrix scopes in both spellings (stable, and `org.matrix.msc2967`). */
import type { DeviceId } from './identifiers.ts';

export const API_SCOPE = 'urn:matrix:client:api:*';
export const UNSTABLE_API_SCOPE = 'urn:matrix:org.matrix.msc2967.client:api:*';
const DEVICE_SCOPE_PREFIX = 'urn:matrix:client:device:';
const UNSTABLE_DEVICE_SCOPE_PREFIX = 'urn:matrix:org.matrix.msc2967.client:device:';
export const OPENID_SCOPE = 'openid';
/** Synapse's admin API: only administrators by the access rules hold it. */
export const ADMIN_SCOPE = 'urn:synapse:admin:*';

/** The longest device id, by what Synapse stores. */
const DEVICE_ID_LIMIT = 255;

/** Whether it is a scope-token of RFC 6749 section 3.3: printable ASCII without space, `"` and `\`. */
export function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text);
}

/** Splits a `scope` parameter. Duplicates collapse, order is kept; `undefined` if a character is not allowed. */
export function splitScope(scope: string): string[] | undefined {
  const tokens = [...new Set(scope.split(' ').filter((token) => token !== ''))];
  return tokens.every(isScopeToken) ? tokens : undefined;
}

/** Whether a scope token is the Matrix API, in either spelling. */
export function isApiScope(token: string): boolean {
  return token === API_SCOPE || token === UNSTABLE_API_SCOPE;
}

/** The device id that a scope token names, in either spelling; `undefined` for any other token. May be empty. */
export function deviceIdOf(token: string): string | undefined {
  if (token.startsWith(DEVICE_SCOPE_PREFIX)) return token.slice(DEVICE_SCOPE_PREFIX.length);
  if (token.startsWith(UNSTABLE_DEVICE_SCOPE_PREFIX)) return token.slice(UNSTABLE_DEVICE_SCOPE_PREFIX.length);
  return undefined;
}

/** Whether a device id can stand in a scope: 1–255 characters of RFC 6749's scope-token set (`/`, `+`, `=` included: QR login). */
export function isScopeDeviceId(deviceId: DeviceId): boolean {
  return deviceId.length <= DEVICE_ID_LIMIT && isScopeToken(deviceId);
}

/** The scope of a session without a client, which never asked for one: the Matrix API, and the device if a scope can carry its id. */
export function legacyScope(deviceId: DeviceId): string {
  return isScopeDeviceId(deviceId) ? `${API_SCOPE} ${DEVICE_SCOPE_PREFIX}${deviceId}` : API_SCOPE;
}

/** What a sign-in asks for. */
export interface LoginScope {
  /** The tokens that are granted, in the client's own spelling. */
  readonly granted: readonly string[];
  /** Null if only scopes of the operator's own are asked for: no session of Matrix, and no device. */
  readonly deviceId: DeviceId | null;
}

export type LoginScopeResult =
  { readonly ok: true; readonly scope: LoginScope } | { readonly ok: false; readonly fault: string };

/**
 * Judges the scope of a sign-in: for Matrix (MSC2967) the API scope, exactly one device, `openid` if wanted; for other servers scopes of the operator's own, of which the client may
 * ask for `askable`; or both. Scopes that we do not know are left out of what is granted (RFC 6749 §3.3); the token response tells what was. The admin scope passes here, and the operator's
 * own: a session has one only if the person may have it when it starts.
 */
export function judgeLoginScope(scope: string, askable: ReadonlySet<string> = new Set()): LoginScopeResult {
  const tokens = splitScope(scope);
  if (tokens === undefined) return fault('scope has a character that RFC 6749 section 3.3 does not allow');
  const isMatrix = tokens.some((token) => isApiScope(token) || deviceIdOf(token) !== undefined);
  if (!isMatrix && tokens.some((token) => askable.has(token))) {
    const granted = tokens.filter((token) => token === OPENID_SCOPE || askable.has(token));
    return { ok: true, scope: { granted, deviceId: null } };
  }
  if (!tokens.some(isApiScope)) return fault(`scope must contain ${API_SCOPE}`);
  const devices = tokens.map(deviceIdOf).filter((id) => id !== undefined);
  const [deviceId] = devices;
  if (deviceId === undefined) return fault(`scope must contain one ${DEVICE_SCOPE_PREFIX}<device id>`);
  if (devices.some((other) => other !== deviceId)) return fault('scope must name exactly one device');
  if (!isScopeDeviceId(deviceId)) return fault(`the device id must have 1 to ${DEVICE_ID_LIMIT} characters`);
  const granted = tokens.filter(
    (token) =>
      isApiScope(token) ||
      deviceIdOf(token) !== undefined ||
      token === OPENID_SCOPE ||
      token === ADMIN_SCOPE ||
      askable.has(token),
  );
  return { ok: true, scope: { granted, deviceId } };
}

/** The scope as a homeserver is told it: every Matrix scope in both spellings (Synapse 1.157 and older read the unstable one). */
export function withBothSpellings(tokens: readonly string[]): string[] {
  const all = new Set<string>();
  for (const token of tokens) {
    all.add(token);
    const deviceId = deviceIdOf(token);
    if (isApiScope(token)) all.add(API_SCOPE).add(UNSTABLE_API_SCOPE);
    else if (deviceId !== undefined)
      all.add(DEVICE_SCOPE_PREFIX + deviceId).add(UNSTABLE_DEVICE_SCOPE_PREFIX + deviceId);
  }
  return [...all];
}

function fault(text: string): LoginScopeResult {
  return { ok: false, fault: text };
}
