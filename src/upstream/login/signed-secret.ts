/** A client secret that is a JWT of our own, if the provider wants one: made for each request, so that none ever expires. */
import { importPKCS8, SignJWT } from 'jose';
import type { Clock } from '../../protocol/clock.ts';
import { readPrivateKey } from '../../protocol/private-key.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';

/** How long a secret counts, in seconds: until the request has arrived. */
const LIFETIME = 300;

/** Whether the provider's preset asks for one, and there is a key to sign it with. */
export function signsSecret({ preset, clientPrivateKey }: ResolvedSettings): boolean {
  return preset.signed_secret !== undefined && clientPrivateKey !== undefined;
}

/** Throws a RangeError if the configuration lacks what it is made of, `PrivateKeyFault` if the key is none. */
export async function signSecret(settings: ResolvedSettings, clock: Clock): Promise<string> {
  const { clientPrivateKey: text, clientTeamId: team, clientId, preset } = settings;
  if (text === undefined || team === undefined || preset.signed_secret === undefined) {
    throw new RangeError('a signed client secret needs client_private_key and client_team_id');
  }
  const { key, alg, kid } = readPrivateKey(text, preset.signed_secret.alg);
  const keyId = settings.clientPrivateKeyId ?? kid;
  const now = Math.floor(clock.now() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg, ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(team)
    .setSubject(clientId)
    .setAudience(preset.signed_secret.audience)
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME)
    .sign(await importPKCS8(key.export({ type: 'pkcs8', format: 'pem' }).toString(), alg));
}
