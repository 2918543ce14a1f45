/** The access token as the client gets it: opaque, or, if the operator wants it so for the client, a JWT (RFC 9068) about the same row. */
import { audienceOfScope, claimsOfScope, type OperatorScopes } from '../protocol/operator-scope.ts';
import type { SignClaims } from '../protocol/signing-algorithms.ts';
import { hashSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import { findAccessToken } from '../storage/records/tokens.ts';
import type { Client } from './clients.ts';

export interface PresentingDeps {
  readonly db: Pick<Database, 'query'>;
  readonly issuer: string;
  readonly serverName: string;
  readonly operatorScopes: OperatorScopes;
  readonly signingKeys: { readonly sign: SignClaims };
}

/**
 * A JWT says what the row of the token says, so that one that is issued again (the refresh rule) says the same. Its `jti` is the hash of the opaque token, which nobody gets: as a name in
 * the logs of other servers it is worth nothing, and we take the JWT only with our signature. `iat`, `nbf` and `exp` are numbers, as some servers take a text for a time that never comes.
 */
export async function presentAccessToken(
  deps: PresentingDeps,
  client: Client,
  accessToken: string,
): Promise<string> {
  const alg = client.operator?.jwtAlgorithm;
  if (alg === undefined) return accessToken;
  const jti = hashSecret(accessToken);
  const row = await findAccessToken(deps.db.query, jti);
  if (row === undefined || row.expires_at === null)
    throw new Error('an access token that was just issued is gone');
  const scope = row.token_scope ?? row.session_scope;
  const { localpart } = row;
  const { serverName, operatorScopes } = deps;
  const issuedAt = Math.floor(row.created_at / 1000);
  const audience = audienceOfScope(operatorScopes, scope);
  return deps.signingKeys.sign(
    {
      ...(localpart === null ? {} : claimsOfScope(operatorScopes, scope, { localpart, serverName })),
      iss: deps.issuer,
      sub: row.user_id ?? client.id,
      aud: audience.length === 0 ? [client.id] : audience,
      azp: client.id,
      client_id: client.id,
      iat: issuedAt,
      nbf: issuedAt,
      exp: Math.floor(row.expires_at / 1000),
      jti,
      scope,
    },
    { typ: client.operator?.jwtType ?? 'at+jwt', alg },
  );
}
