import type { components } from '../generated/authorization-server.ts';
import type { Handler } from '../http/exchange.ts';
import type { SigningKeys } from './signing-keys.ts';

type Answer = components['schemas']['JsonWebKeySet'];

/** The public keys of ID tokens (RFC 7517 section 5). */
export function getJwks(deps: { signingKeys: SigningKeys }): Handler<unknown, Answer> {
  return () => ({
    status: 200,
    headers: { 'cache-control': 'public, max-age=600' },
    body: { keys: deps.signingKeys.published as Answer['keys'] },
  });
}
