/** Business events: what happened to users, sessions and clients. One log line and one count each; ids only, never a secret. */
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The closed list of events. The name is the `event` member of the log line and the label of `gatehouse_events_total`. */
export const eventNames = [
  'user_created',
  'user_linked',
  'user_locked',
  'user_unlocked',
  'user_deactivated',
  'login_refused',
  'access_lost',
  'upstream_logout',
  'consent_given',
  'consent_refused',
  'client_registered',
  'session_started',
  'session_replaced',
  'session_ended',
  'code_reused',
  'user_codes_guessed',
  'refresh_token_reused',
  'upstream_document_changed',
  'upstream_document_refused',
] as const;

export type EventName = (typeof eventNames)[number];

/** Members of an event's log line. */
export interface EventDetails {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly clientId?: string;
  readonly deviceId?: string;
  readonly provider?: string;
  readonly requestId?: string;
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

/** Writes events to the log and counts them. */
export function createEvents(deps: { readonly log: Log; readonly metrics: Metrics }): EmitEvent {
  return (event, details) => {
    deps.metrics.count('events', { event });
    const line = {
      event,
      user_id: details.userId,
      session_id: details.sessionId,
      client_id: details.clientId,
      device_id: details.deviceId,
      provider: details.provider,
      request_id: details.requestId,
      reason: details.reason,
    };
    if (warnings.has(event)) deps.log.warn(line, 'event');
    else deps.log.info(line, 'event');
  };
}
