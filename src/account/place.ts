/** The places of the account page. If a sign-in leads back to is one of them, made here: never a URL of a request. */
import type { DeviceId, SessionId } from '../protocol/identifiers.ts';
import { endpointUrl } from '../protocol/issuer.ts';

/** Path below the public URL, and query. */
export type AccountPlace = string;

/** The overview, from the session on that follows this one. `done` names what has just been done. */
export function overview(at: { before?: string; done?: 'ended' | 'all-ended' } = {}): AccountPlace {
  const query = new URLSearchParams(at).toString();
  return query === '' ? 'account' : `account?${query}`;
}

/** One session. */
export function sessionPlace(sessionId: SessionId): AccountPlace {
  return `account/sessions/${sessionId}`;
}

/** The question whether one session is to end. */
export function endingPlace(sessionId: SessionId): AccountPlace {
  return `account/sessions/${sessionId}/end`;
}

export const endAllPlace: AccountPlace = 'account/sessions/end-all';
export const keyResetPlace: AccountPlace = 'account/cross-signing-reset';
export const signOutPlace: AccountPlace = 'account/sign-out';

/** What a client sends a person for. */
export type Action =
  | { readonly kind: 'overview' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'view' | 'end'; readonly deviceId: DeviceId };

const kinds: Readonly<Record<string, Action['kind']>> = {
  'org.matrix.profile': 'overview',
  'org.matrix.devices_list': 'overview',
  'org.matrix.sessions_list': 'overview',
  'org.matrix.device_view': 'view',
  'org.matrix.session_view': 'view',
  'org.matrix.device_delete': 'end',
  'org.matrix.session_end': 'end',
  'org.matrix.cross_signing_reset': 'reset',
};

/**
 * The action that a query names (Matrix client-server API, "Account management"), with or without its prefix (MSC4191). One that is not known, or
 * lacks its device, is `unknown`, which the overview says; whatever else stands in the query does not matter.
 */
export function readAction(query: URLSearchParams): Action {
  const named = query.get('action') ?? '';
  const full = named.startsWith('org.matrix.') ? named : `org.matrix.${named}`;
  const kind = Object.hasOwn(kinds, full) ? kinds[full] : undefined;
  const deviceId = query.get('device_id') ?? '';
  if (named === '' || kind === 'overview') return { kind: 'overview' };
  if (kind === 'reset') return { kind };
  if (kind === undefined || kind === 'unknown' || !isDeviceId(deviceId)) return { kind: 'unknown' };
  return { kind, deviceId };
}

/** The place to come back to after a sign-in. */
export function placeOf(action: Action): AccountPlace {
  if (action.kind === 'overview') return overview();
  if (action.kind === 'reset') return keyResetPlace;
  if (action.kind === 'unknown') return 'account?action=unknown';
  const name = action.kind === 'view' ? 'org.matrix.device_view' : 'org.matrix.device_delete';
  return `account?${new URLSearchParams({ action: name, device_id: action.deviceId }).toString()}`;
}

/** The URL of a place. */
export function urlOf(issuer: string, place: AccountPlace): string {
  return endpointUrl(issuer, place);
}

function isDeviceId(text: string): boolean {
  return text !== '' && Array.from(text).length <= 255 && text.isWellFormed() && !text.includes('\0');
}
