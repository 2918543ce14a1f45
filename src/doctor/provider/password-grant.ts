/**
 * If login by password is on: whether our client may use the password grant. Somebody who cannot exist is presented, with a password by chance;
 * `invalid_grant` says that the grant is there.
 */
import { isRefusedPassword } from '../../upstream/login/password.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import { chooseAuthMethod, createClientAuthentication } from '../../upstream/login/client-authentication.ts';
import { look, type Look } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { readObject } from '../wrong-answer.ts';
import { providerFinding, type ProviderContext } from './context.ts';
import type { Server } from './metadata.ts';

/** Presents nobody. What is wrong with the client itself, or with the endpoint, is told by the probe of client authentication. */
export async function examinePasswordGrant(
  context: ProviderContext,
  server: Server | undefined,
): Promise<ProbeVerdict> {
  if (server?.token_endpoint === undefined) {
    return { skipped: 'the metadata has no usable token_endpoint' };
  }
  const answer = await presentNobody(context, server, server.token_endpoint);
  if (answer === undefined || 'fault' in answer) return { skipped: 'the token endpoint could not be asked' };
  const { status, text } = answer.answer;
  const read = text.trim() === '' ? undefined : readObject(answer);
  const error = read !== undefined && 'object' in read ? read.object['error'] : undefined;
  if (isRefusedPassword(context.settings, { status, text, error })) return [];
  if (status >= 500 || status === 429 || error === 'invalid_client') {
    return { skipped: 'the token endpoint did not judge the password' };
  }
  return [
    providerFinding(context, {
      code: 'provider.password_grant',
      probed: `${answer.probed} with a name and a password that cannot exist`,
      expected: `invalid_grant: the client "${context.settings.clientId}" may use the password grant`,
      seen: `status ${status}, ${typeof error === 'string' ? quoteForLog(error, 100) : 'without an OAuth error'}`,
      remedy:
        'Allow the password grant (“direct access grants”) for this client at the provider, or write `password: false` in `legacy_login`.',
    }),
  ];
}

async function presentNobody(
  { settings, random, ...context }: ProviderContext,
  server: Server,
  url: string,
): Promise<Look | undefined> {
  const body = new URLSearchParams({
    grant_type: 'password',
    username: `gatehouse-doctor-${random(8).toString('hex')}`,
    password: random(16).toString('base64url'),
    scope: settings.scopes.join(' '),
  });
  if (settings.scopes.length === 0) body.delete('scope');
  const headers = new Headers({
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  });
  const authMethod = chooseAuthMethod(server, settings);
  try {
    const authenticate = await createClientAuthentication({ ...settings, authMethod }, context.clock).for(
      server,
    );
    await authenticate(server, { client_id: settings.clientId }, body, headers);
  } catch {
    // A key that does not fit: told elsewhere.
    return undefined;
  }
  return look(context, { url, method: 'POST', headers: Object.fromEntries(headers), body: body.toString() });
}
