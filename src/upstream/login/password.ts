/**
 * The resource owner password grant (RFC 6749 section 4.3), for clients that know no other way in. RFC 9700 section 2.4 says that it must not be
 * used: it is, if the operator says so, because such clients exist.
 */
import * as oauth from 'oauth4webapi';
import { requestedScopes, usesOpenId } from './authorization-url.ts';
import { type RedeemedCode, tokenFetch } from './code-exchange.ts';
import { clientOf, identityOf, type UpstreamIdentity } from './login.ts';
import type { LoginDeps } from './login-context.ts';
import { tokenError, unavailable } from './login-errors.ts';
import { UpstreamRefusal } from './refusal.ts';
import { requestOptions } from './request-options.ts';
import { readTokens } from './token-answer.ts';
import { fetchUserinfo } from './userinfo.ts';

export interface PasswordInput {
  /** What the IdP calls the person. */
  readonly username: string;
  /** Goes to the IdP byte for byte, as UTF-8; must not be empty. */
  readonly password: string;
}

/**
 * What IdPs answer if it is this person who cannot be signed in by this password: it is wrong, the account is disabled, or more than a password is
 * asked for. Everything else that they say is about us.
 */
const DENIALS: ReadonlySet<string> = new Set([
  'invalid_grant',
  'access_denied',
  'interaction_required',
  'login_required',
  'account_selection_required',
  'consent_required',
  'mfa_required',
]);

/** Whether an answer of the token endpoint says that the person is not let in by this password, and nothing about us. */
export function isRefusedPassword(
  { preset }: Pick<LoginDeps['settings'], 'preset'>,
  answer: { readonly status: number; readonly text: string; readonly error: unknown },
): boolean {
  if (typeof answer.error === 'string') return DENIALS.has(answer.error);
  return answer.status === preset.silent_password_refusal && answer.text.trim() === '';
}

/**
 * Asks the IdP, once, who has this name and this password: by its ID token, else by userinfo alone. Throws {@link UpstreamRefusal} of the kind
 * `denied` if the IdP does not let the person in; Unavailable for everything else, because what is wrong with us or with the IdP says nothing
 * about the person.
 */
export async function checkPassword(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  input: PasswordInput,
): Promise<UpstreamIdentity> {
  const client = clientOf(deps.settings, deps.clock);
  try {
    const redeemed = await sendPassword(deps, server, client, input);
    const userinfo = await fetchUserinfo(deps, server, client, redeemed);
    return identityOf(deps, redeemed, userinfo);
  } catch (error) {
    if (!(error instanceof UpstreamRefusal) || error.kind === 'denied') throw error;
    const { idpError } = error;
    if (idpError !== undefined && DENIALS.has(idpError)) {
      throw new UpstreamRefusal('denied', `the IdP refused the password (${idpError})`, { idpError });
    }
    throw unavailable(`password grant: ${discreet(error, input)}`);
  }
}

async function sendPassword(
  deps: LoginDeps,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  { username, password }: PasswordInput,
): Promise<RedeemedCode> {
  const { settings } = deps;
  try {
    const sent = tokenFetch({ outbound: heedingSilence(deps) }, usesOpenId(settings));
    const scopes = requestedScopes(server, settings);
    const scope = scopes.length > 0 ? { scope: scopes.join(' ') } : undefined;
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      await deps.clientAuthentication.for(server),
      'password',
      { username, password, ...scope },
      requestOptions(sent.fetch),
    );
    return await readTokens(deps, server, client, { response, body: sent.body() });
  } catch (error) {
    throw error instanceof UpstreamRefusal ? error : tokenError(error);
  }
}

/** The way out, if a refusal without a word, from a provider that is known for it, is one of the password. */
function heedingSilence({ outbound, settings }: LoginDeps): Pick<LoginDeps['outbound'], 'send'> {
  return {
    send: async (request) => {
      const answer = await outbound.send(request);
      if (!isRefusedPassword(settings, { ...answer, error: undefined })) return answer;
      throw new UpstreamRefusal('denied', `the IdP refused the password (${answer.status})`);
    },
  };
}

/** The reason for the log, unless the IdP repeats in it what the person typed. */
function discreet(
  { kind, reason, idpError }: UpstreamRefusal,
  { username, password }: PasswordInput,
): string {
  const repeats = [username, password].some((typed) => typed !== '' && reason.includes(typed));
  return repeats
    ? `${kind}: ${idpError ?? 'refused'}, in words that repeat what was typed`
    : `${kind}: ${reason}`;
}
