import type { Metrics } from '../observability/metrics.ts';
import type { Rotation } from './rotate.ts';

/** Counts a presentation of a refresh token. The same for every route that refreshes. */
export function countRotation(
  { metrics }: { readonly metrics: Pick<Metrics, 'count'> },
  rotation: Rotation,
): void {
  metrics.count('refreshes', { outcome: outcomeOf(rotation) });
}

function outcomeOf(rotation: Rotation): 'rotated' | 'repeated' | 'reuse' | 'refused' {
  if (rotation.ok) return rotation.how === 'rotated' ? 'rotated' : 'repeated';
  return rotation.reason === 'replayed' ? 'reuse' : 'refused';
}
