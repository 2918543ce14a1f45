/** Scopes of the operator's own, for servers that are no homeserver. */
import { z } from 'zod';
import { claimsOf, claimTemplateFault } from '../../protocol/claim-template.ts';
import { isScopeToken } from '../../protocol/scope.ts';
import { described, flag, line, textRule } from '../fields.ts';
import { accessRule } from './access.ts';

function scopeFault(text: string): string | undefined {
  if (!isScopeToken(text)) return 'must be one scope, without spaces, quotes and backslashes';
  if (text === 'openid' || text === 'offline_access' || /^urn:(matrix|synapse):/.test(text)) {
    return 'must not be a scope of Matrix or OpenID Connect, whose meaning is fixed';
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

/** Members of tokens and answers whose meaning is fixed. */
const FIXED = [
  ...['active', 'iss', 'sub', 'aud', 'azp', 'exp', 'iat', 'nbf', 'jti', 'scope', 'client_id', 'token_type'],
  ...['expires_in', 'device_id', 'error', 'access_token', 'refresh_token', 'id_token'],
];

function memberFault(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_:./-]{0,99}$/.test(name)) return 'must be a name of letters, digits and `_:./-`';
  return FIXED.includes(name) ? 'has a meaning that is fixed' : undefined;
}

const lifetime = (max: number, description: string, fallback: string) =>
  described(z.int().min(1).max(max).optional(), { description, unit: 'seconds', fallback });

const scopeSection = z.strictObject({
  scope: described(textRule(scopeFault), {
    description: 'The scope, as clients ask for it.',
    example: 'sasl_auth',
  }),
  description: described(line(), {
    description: 'What it means, in words for the page where people agree.',
    example: 'Using your mail and chat accounts',
  }),
  any_client: flag(
    false,
    'Lets every client ask for it, clients that registered themselves too. Otherwise only those whose `scopes` name it.',
  ),
  require: described(z.array(accessRule).default([]), {
    description:
      'Conditions that all must hold for a person to have it, as in `providers[].access`: by claim, or by `localpart`. Without any, everybody may have it.',
    example: '[{ claim: groups, any_of: [mail-users] }]',
  }),
  deny: described(z.array(accessRule).default([]), {
    description: 'Conditions of which each one keeps a person from having it.',
  }),
  claims: described(z.record(textRule(memberFault), textRule(memberTemplateFault)).default({}), {
    description:
      'What a token with this scope tells of its person to the servers that ask, and holds itself if it is a JWT: members by template of `{localpart}` and `{server_name}`.',
    example: '{ email: "{localpart}@example.com", jid: "{localpart}@example.com" }',
  }),
  audience: described(z.array(line()).default([]), {
    description:
      'Servers that an access token with it is meant for: `aud` of a JWT. Without any, the client.',
    example: '[dovecot]',
  }),
  access_token_ttl_seconds: lifetime(
    31_536_000,
    'Life of access tokens with it. A token that is for Matrix too lives no longer than others of Matrix.',
    '`sessions.access_token_ttl_seconds`',
  ),
  session_ttl_seconds: lifetime(
    315_360_000,
    'When a session with it is over, however it is used: people sign in again. Not for sessions that are for Matrix too.',
    'never',
  ),
});

export const scopesSection = z.array(scopeSection);
