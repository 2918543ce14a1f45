/** Business events: what happened to users, sessions and clients. One log line and one count each; ids only, never a secret. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import { currentOrigin } from './origin.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The closed list of events and their meanings. The name is the `event` member of the log line and the label of `gatehouse_events_total`. */
export const eventMeanings = {
  user_created: 'a person signed in for the first time, and a user was created',
  user_linked: 'an account at a provider was linked to a user',
  user_locked: 'a user was locked: sessions stay, but cannot be used',
  user_unlocked: 'a user was unlocked',
  user_deactivated: 'a user was deactivated; a `session_ended` follows for each session',
  user_reactivated: 'a deactivation was undone: the person may sign in again',
  user_erased: 'the data of a deactivated user was permanently erased',
  key_reset_allowed: 'a person proved who they are, and may replace their cross-signing keys for ten minutes',
  login_refused: 'a sign-in was refused; `reason` says why',
  access_lost: 'a signed-in person no longer satisfies the access rules; `reason` names the rule',
  upstream_logout: 'the provider reported that a person signed out there',
  consent_given: 'a person allowed a sign-in',
  consent_refused: 'a person did not allow a sign-in, or was not permitted to',
  client_registered: 'a client registered itself, or an operator added it',
  client_removed: 'an operator removed a client; a `session_ended` follows for each of its sessions',
  signing_key_made: 'a new key for ID tokens was created; `key` is its id',
  session_started: 'a person signed in, or a client got tokens of its own',
  session_replaced: 'a session ended because of a new sign-in on its device; the device stays',
  session_ended: 'a session ended for any other reason; `reason` names it',
  client_authentication_failed:
    'a client, the homeserver or another server presented a wrong secret or assertion; `reason` says which',
  code_reused:
    'an authorization code was used a second time, and its session ended: a broken client or an attack',
  user_codes_guessed: 'another hundred wrong user codes were entered: somebody may be guessing',
  refresh_token_reused:
    'a refresh token was replayed after its grace period, and its session ended: a broken client or an attack',
  upstream_document_changed: 'metadata or keys of a provider changed',
  upstream_document_refused: 'metadata or keys of a provider are not usable; the last good ones stay in use',
} as const;

export const eventNames = Object.keys(eventMeanings) as EventName[];

export type EventName = keyof typeof eventMeanings;

/** Members of an event's log line. */
export interface EventDetails {
  readonly userId?: InternalUserId;
  readonly sessionId?: SessionId;
  readonly clientId?: ClientId;
  readonly deviceId?: DeviceId;
  readonly provider?: string;
  readonly key?: string;
  /** Which document of the provider: `metadata` or `jwks`. */
  readonly document?: string;
  /** The exact reason, without secrets. */
  readonly reason?: string;
}

export type EmitEvent = (event: EventName, details: EventDetails) => void;

/** Events that point to an attack or a broken client are warnings. */
const warnings: ReadonlySet<EventName> = new Set([
  'client_authentication_failed',
  'code_reused',
  'user_codes_guessed',
  'refresh_token_reused',
  'upstream_document_refused',
]);

/** Writes events to the log, with who caused them, and counts them. */
export function createEvents(deps: { readonly log: Log; readonly metrics: Metrics }): EmitEvent {
  for (const event of eventNames) deps.metrics.count('events', { event }, 0);
  return (event, details) => {
    deps.metrics.count('events', { event });
    const origin = currentOrigin();
    const line = {
      event,
      user_id: details.userId,
      session_id: details.sessionId,
      client_id: details.clientId,
      device_id: details.deviceId,
      provider: details.provider,
      document: details.document,
      key: details.key,
      reason: details.reason,
      actor: origin.actor,
      actor_name: origin.actorName,
      client_address: origin.clientAddress,
      request_id: origin.requestId,
    };
    if (warnings.has(event)) deps.log.warn(line, 'event');
    else deps.log.info(line, 'event');
  };
}
