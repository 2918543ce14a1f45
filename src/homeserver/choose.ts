import type { Clock, Random } from '../protocol/clock.ts';
import type { Homeserver } from './connector.ts';
import { noHomeserver } from './none.ts';
import { synapseHomeserver } from './synapse.ts';

/** The configuration's section, as far as it says who is told, and how. */
export interface HomeserverSettings {
  readonly kind: 'none' | 'synapse';
  readonly url?: string | undefined;
  readonly secret?: string | undefined;
  readonly allow_http: boolean;
}

/** The homeserver of a configuration, for every process that tells it something. Close it at the end. */
export function homeserverOf(
  settings: HomeserverSettings,
  deps: { readonly clock: Clock; readonly random: Random },
): Homeserver {
  const { kind, url, secret, allow_http: allowHttp } = settings;
  if (kind === 'none') return noHomeserver;
  if (url === undefined || secret === undefined) {
    throw new Error('homeserver.kind: synapse needs homeserver.url and homeserver.secret');
  }
  return synapseHomeserver({ ...deps, url, secret, allowHttp });
}
