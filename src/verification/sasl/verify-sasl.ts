/** The verdict of a SASL exchange, for servers that have only the initial response: IMAP, SMTP, XMPP, MQTT. */
import { isWellFormedSecret } from '../../protocol/token-format.ts';
import type { Unavailable } from '../../protocol/unavailable.ts';
import { readJwt } from '../jwt/read-jwt.ts';
import { requireScope } from '../require-scope.ts';
import type { Verdict, VerifiedToken } from '../verdict.ts';
import { readInitialResponse, type SaslMechanism } from './initial-response.ts';
import { nameOf, namesOf, type Naming } from './names.ts';

export interface SaslRules {
  /** Whose token it is. */
  readonly judgeToken: (token: string) => Promise<Verdict>;
  /** Who has this name and password; left out: PLAIN carries tokens only. `name` is what the client sent. */
  readonly judgePassword?: ((name: string, password: string) => Promise<Verdict>) | undefined;
  readonly serverName: string;
  /** What the asking server calls a person: a template of `{localpart}` and `{server_name}`. */
  readonly username: string;
  /** All must be in the scope of a token. */
  readonly scope: readonly string[];
  /** Told to clients that are refused (RFC 7628 section 3.2.2). */
  readonly openidConfiguration: string;
}

export interface SaslQuestion {
  readonly mechanism: SaslMechanism;
  /** In base64. */
  readonly initialResponse: string;
}

/** RFC 7628 section 3.2.2 registers no codes of its own: these are those of RFC 6750 section 3.1. */
export type SaslStatus = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

export type SaslVerdict =
  | { readonly kind: 'accepted'; readonly username: string; readonly token: VerifiedToken }
  | {
      readonly kind: 'refused';
      readonly status: SaslStatus;
      /** What the client is sent, in base64; undefined for mechanisms without one. It answers with an empty line, or ^A, and is then refused. */
      readonly challenge: string | undefined;
      /** Exact, for the log alone. */
      readonly reason: string;
    }
  | { readonly kind: 'unavailable'; readonly error: Unavailable };

/** Never throws for what the client sent. The names that it claims must be its token's. */
export async function verifySasl(rules: SaslRules, question: SaslQuestion): Promise<SaslVerdict> {
  const { mechanism, initialResponse } = question;
  const refuse = (status: SaslStatus, reason: string): SaslVerdict => ({
    kind: 'refused',
    status,
    challenge: challengeOf(rules, mechanism, status),
    reason,
  });
  const response = readInitialResponse(mechanism, initialResponse);
  if (response.kind === 'malformed') return refuse('invalid_request', response.reason);
  const { names, secret } = response;
  const verdict = await judge(rules, mechanism, names, secret);
  switch (verdict.kind) {
    case 'unavailable':
      return verdict;
    case 'locked':
      return refuse('invalid_token', 'the user is locked');
    case 'inactive':
      return refuse(verdict.fault === 'insufficient_scope' ? verdict.fault : 'invalid_token', verdict.reason);
    case 'active': {
      const { token } = verdict;
      const { localpart } = token;
      const naming = { serverName: rules.serverName, template: rules.username };
      const username = localpart === undefined ? undefined : nameOf(naming, localpart);
      if (localpart === undefined || username === undefined) {
        return refuse('invalid_token', 'the token belongs to no person with a localpart');
      }
      if (isOther(naming, localpart, names)) {
        return refuse('invalid_token', 'the client claims to be somebody else than the token says');
      }
      return { kind: 'accepted', username, token };
    }
  }
}

/** With passwords allowed, PLAIN's secret counts as a token only if it looks like one: no password is shown to whoever judges tokens. */
async function judge(
  rules: SaslRules,
  mechanism: SaslMechanism,
  names: readonly string[],
  secret: string,
): Promise<Verdict> {
  const { judgePassword } = rules;
  if (mechanism === 'PLAIN' && judgePassword !== undefined && !looksLikeToken(secret)) {
    return judgePassword(names.at(-1) ?? '', secret);
  }
  return requireScope(await rules.judgeToken(secret), rules.scope);
}

function looksLikeToken(secret: string): boolean {
  return isWellFormedSecret('accessToken', secret) || readJwt(secret).kind === 'jwt';
}

/** A token of bob's is no way to become alice. */
function isOther(naming: Naming, localpart: string, names: readonly string[]): boolean {
  const known = namesOf(naming, localpart);
  return !names.every((name) => known.includes(name.toLowerCase()));
}

const XOAUTH2_STATUS = { invalid_request: '400', invalid_token: '401', insufficient_scope: '403' } as const;

function challengeOf(
  { scope, openidConfiguration }: SaslRules,
  mechanism: SaslMechanism,
  status: SaslStatus,
): string | undefined {
  const more = { scope: scope.join(' '), 'openid-configuration': openidConfiguration };
  switch (mechanism) {
    case 'OAUTHBEARER':
      return encode({ status, ...more });
    case 'XOAUTH2':
      return encode({ status: XOAUTH2_STATUS[status], schemes: 'bearer', ...more });
    case 'X-OAUTH2':
    case 'PLAIN':
      return undefined;
  }
}

function encode(challenge: object): string {
  return Buffer.from(JSON.stringify(challenge)).toString('base64');
}
