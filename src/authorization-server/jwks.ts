import type { components } from '../generated/authorization-server.ts';
import type { Handler } from '../http/exchange.ts';
import { PREPUBLISH } from './key-schedule.ts';
import type { SigningKeys } from './signing-keys.ts';

type Answer = components['schemas']['JsonWebKeySet'];

/** The public keys of ID tokens (RFC 7517 section 5). They may be kept no longer than a new key is published before it signs. */
export function getJwks(deps: { signingKeys: SigningKeys }): Handler<unknown, Answer> {
  return async () => ({
    status: 200,
    headers: { 'cache-control': `public, max-age=${String(PREPUBLISH / 1000)}` },
    body: { keys: (await deps.signingKeys.published()) as Answer['keys'] },
  });
}
