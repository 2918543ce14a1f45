/** Business events: what happened to users, sessions and clients. One log line and one count each; ids only, never a secret. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import { currentOrigin } from './origin.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The closed list of events, and what each tells. The name is the `event` member of the log line and the label of `gatehouse_events_total`. */
export const eventMeanings = {
  user_created: 'a person signed in for the first time, and has a user now',
  user_linked: 'an account at a provider belongs to a user from now on',
  user_locked: 'a user was locked: sessions stay, nothing can be done with them',
  user_unlocked: 'a lock was taken away',
  user_deactivated: 'a user was deactivated; the end of each session follows',
  user_reactivated: 'a deactivation was taken back: the person may sign in again',
  user_erased: 'what was known of a deactivated user was erased, for good',
  login_refused: 'nobody was signed in; `reason` says why',
  access_lost: 'the access rules keep a person out who was signed in; `reason` names the rule',
  upstream_logout: 'the provider told that a person signed out there',
  consent_given: 'a person allowed a sign-in',
  consent_refused: 'a person did not allow a sign-in, or may not',
  client_registered: 'a client registered itself, or an operator added it',
  client_removed: 'an operator removed a client; the end of its sessions follows',
  signing_key_made: 'there is a new key for ID tokens; `key` is its id',
  session_started: 'somebody, or a client of its own, is signed in',
  session_replaced: 'a session ended because somebody signed in again on its device; the device stays',
  session_ended: 'a session ended in any other way; `reason` says which',
  code_reused:
    'an authorization code came a second time, and its session ended: a broken client or an attack',
  user_codes_guessed: 'a hundred more wrong user codes were typed: somebody may be guessing',
  refresh_token_reused:
    'a refresh token came again after its time, and its session ended: a broken client or an attack',
  upstream_document_changed: 'metadata or keys of a provider changed',
  upstream_document_refused: 'metadata or keys of a provider are not fit for use; the last good ones stay',
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
  /** Why, in exact words, no secrets. */
  readonly reason?: string;
}

export type EmitEvent = (event: EventName, details: EventDetails) => void;

/** Events that tell the operator of an attack or a broken client are warnings. */
const warnings: ReadonlySet<EventName> = new Set([
  'code_reused',
  'user_codes_guessed',
  'refresh_token_reused',
  'upstream_document_refused',
]);

/** Writes events to the log, with who caused them, and counts them. */
export function createEvents(deps: { readonly log: Log; readonly metrics: Metrics }): EmitEvent {
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
