import type { EmitEvent } from '../observability/events.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Rotation } from './rotate.ts';

/** Counts a presentation of a refresh token, and tells of the session that ended by it. The same for every route that refreshes. */
export function recordRotation(
  deps: { readonly metrics: Pick<Metrics, 'count'>; readonly emit: EmitEvent },
  rotation: Rotation,
  clientId?: string,
): void {
  if (rotation.ok) {
    deps.metrics.count('refreshes', { outcome: rotation.how === 'rotated' ? 'rotated' : 'repeated' });
    return;
  }
  const { reason, sessionId } = rotation;
  deps.metrics.count('refreshes', { outcome: reason === 'replayed' ? 'reuse' : 'refused' });
  if (sessionId === undefined) return;
  const whose = { sessionId, ...(clientId === undefined ? {} : { clientId }) };
  if (reason === 'expired') deps.emit('session_ended', { ...whose, reason });
  if (reason !== 'replayed') return;
  deps.emit('refresh_token_reused', whose);
  deps.emit('session_ended', { ...whose, reason: 'refresh_replayed' });
}
