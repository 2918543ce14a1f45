/** How we prove to the token endpoint who we are (OpenID Connect Core §9, RFC 6749 §2.3). */
import { importPKCS8, type CryptoKey } from 'jose';
import {
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  type AuthorizationServer,
  type ClientAuth,
} from 'oauth4webapi';
import type { Clock } from '../../protocol/clock.ts';
import { readCertificate, readPrivateKey } from '../../protocol/private-key.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { signSecret, signsSecret } from './signed-secret.ts';
import type { TokenEndpointAuthMethod } from '../settings.ts';

export interface ClientAuthentication {
  /** The method for this server, with what it needs. Throws a RangeError if the configuration lacks it. */
  for(server: AuthorizationServer): Promise<ClientAuth>;
}

/** The private key is imported at its first use. */
export function createClientAuthentication(settings: ResolvedSettings, clock: Clock): ClientAuthentication {
  let imported: Promise<ImportedKey> | undefined;
  const secret = async (method: string): Promise<string> =>
    signsSecret(settings) ? signSecret(settings, clock) : secretOf(settings, method);
  return {
    async for(server) {
      const method = chooseAuthMethod(server, settings);
      switch (method) {
        case 'none':
          return None();
        case 'client_secret_basic':
          return clientSecretBasic(await secret(method));
        case 'client_secret_post':
          return ClientSecretPost(await secret(method));
        case 'private_key_jwt': {
          imported ??= importPrivateKey(settings);
          const { key, header } = await imported;
          const audience =
            settings.preset.assertion_audience === 'token_endpoint' ? server.token_endpoint : undefined;
          return PrivateKeyJwt(key, {
            [modifyAssertion]: (assertionHeader, payload) => {
              Object.assign(assertionHeader, header);
              if (audience !== undefined) payload['aud'] = audience;
            },
          });
        }
      }
    },
  };
}

/** The configured method; else what fits both the credentials we have and the methods that the server lists. */
export function chooseAuthMethod(
  server: AuthorizationServer,
  settings: ResolvedSettings,
): TokenEndpointAuthMethod {
  if (settings.authMethod !== undefined) return settings.authMethod;
  if (signsSecret(settings)) return 'client_secret_post';
  if (settings.clientPrivateKey !== undefined) return 'private_key_jwt';
  if (settings.clientSecret === undefined) return 'none';
  const listed = server.token_endpoint_auth_methods_supported ?? [];
  if (!listed.includes('client_secret_basic') && listed.includes('client_secret_post'))
    return 'client_secret_post';
  return 'client_secret_basic';
}

function secretOf(settings: ResolvedSettings, method: string): string {
  if (settings.clientSecret === undefined) throw new RangeError(`${method} needs client_secret`);
  return settings.clientSecret;
}

/**
 * RFC 6749 §2.3.1: both halves form-encoded. Done as browsers do it, which leaves `-`, `.` and `_` as they are: a server that forgets
 * to decode then still takes most ids and secrets.
 */
function clientSecretBasic(secret: string): ClientAuth {
  return (_server, client, _body, headers) => {
    const credentials = `${formEncode(client.client_id)}:${formEncode(secret)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  };
}

function formEncode(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

interface ImportedKey {
  readonly key: { key: CryptoKey; kid?: string };
  readonly header: Readonly<Record<string, string>>;
}

/** Throws a RangeError if the configuration has no key, `PrivateKeyFault` if it is none. */
async function importPrivateKey(settings: ResolvedSettings): Promise<ImportedKey> {
  const { clientPrivateKey: text, clientCertificate: certificate, authSigningAlg } = settings;
  if (text === undefined) throw new RangeError('private_key_jwt needs client_private_key');
  const read = readPrivateKey(text, authSigningAlg);
  const key = await importPKCS8(read.key.export({ type: 'pkcs8', format: 'pem' }).toString(), read.alg);
  const kid = settings.clientPrivateKeyId ?? read.kid;
  return {
    key: { key, ...(kid === undefined ? {} : { kid }) },
    // The library names the curve (RFC 9864), which few providers know yet.
    header: { alg: read.alg, ...(certificate === undefined ? {} : readCertificate(certificate, read.key)) },
  };
}
