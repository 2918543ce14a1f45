import type { Homeserver } from './connector.ts';
import { noHomeserver } from './none.ts';

/** The homeserver of a configuration, for every process that tells it something. */
export function homeserverOf(kind: 'none' | 'synapse'): Homeserver {
  if (kind === 'none') return noHomeserver;
  throw new Error('homeserver.kind: synapse is not available in this version');
}
