/** Scopes that the operator defines, for servers other than the homeserver. */
import { z } from 'zod';
import { claimsOf, claimTemplateFault } from '../../protocol/claim-template.ts';
import { isScopeToken } from '../../protocol/scope.ts';
import { described, flag, line, textRule } from '../fields.ts';
import { accessRule } from './access.ts';

function scopeFault(text: string): string | undefined {
  if (!isScopeToken(text)) return 'must be one scope, without spaces, quotes and backslashes';
  if (text === 'openid' || text === 'offline_access' || /^urn:(matrix|synapse):/.test(text)) {
    return 'must not be a scope of Matrix or OpenID Connect, which have a fixed meaning';
  }
  return undefined;
}

const VALUES = ['localpart', 'server_name'];

function memberTemplateFault(template: string): string | undefined {
  const fault = claimTemplateFault(template);
  if (fault !== undefined) return fault;
  const unknown = claimsOf(template).find((name) => !VALUES.includes(name));
  return unknown === undefined
    ? undefined
    : 'may have no other braces than `{localpart}` and `{server_name}`';
}

/** Members of tokens and responses that have a fixed meaning. */
const FIXED = [
  ...['active', 'iss', 'sub', 'aud', 'azp', 'exp', 'iat', 'nbf', 'jti', 'scope', 'client_id', 'token_type'],
  ...['expires_in', 'device_id', 'error', 'access_token', 'refresh_token', 'id_token'],
];

function memberFault(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_:./-]{0,99}$/.test(name)) return 'must be a name of letters, digits and `_:./-`';
  return FIXED.includes(name) ? 'has a fixed meaning' : undefined;
}

const lifetime = (max: number, description: string, fallback: string) =>
  described(z.int().min(1).max(max).optional(), { description, unit: 'seconds', fallback });

const scopeSection = z.strictObject({
  scope: described(textRule(scopeFault), {
    description: 'The scope, as clients request it.',
    example: 'sasl_auth',
  }),
  description: described(line(), {
    description: 'Its meaning, as shown on the consent page.',
    example: 'Using your mail and chat accounts',
  }),
  any_client: flag(
    false,
    'Lets every client request it, including clients that registered themselves. Otherwise only clients that list it in their `scopes`.',
  ),
  require: described(z.array(accessRule).default([]), {
    description:
      'Conditions that a person must all meet to get the scope, as in `providers[].access`: by claim, or by `localpart`. Without conditions, everybody may get it.',
    example: '[{ claim: groups, any_of: [mail-users] }]',
  }),
  deny: described(z.array(accessRule).default([]), {
    description: 'Conditions of which any one keeps a person from getting the scope.',
  }),
  claims: described(z.record(textRule(memberFault), textRule(memberTemplateFault)).default({}), {
    description:
      'Members about the person that introspection of a token with this scope returns, and that the token contains if it is a JWT: templates of `{localpart}` and `{server_name}`.',
    example: '{ email: "{localpart}@example.com", jid: "{localpart}@example.com" }',
  }),
  audience: described(z.array(line()).default([]), {
    description:
      'Servers that an access token with it is meant for: `aud` of a JWT. Without any, the client.',
    example: '[dovecot]',
  }),
  access_token_ttl_seconds: lifetime(
    31_536_000,
    'Lifetime of access tokens with this scope. A token that is also for Matrix lives no longer than other Matrix tokens.',
    '`sessions.access_token_ttl_seconds`',
  ),
  session_ttl_seconds: lifetime(
    315_360_000,
    'Lifetime of a session with this scope, whether or not it is used. After that, people sign in again. Does not apply to sessions that are also for Matrix.',
    'never',
  ),
});

export const scopesSection = z.array(scopeSection);
