/** What a protected service is told about whose request it is. */
import { userId } from '../protocol/identifiers.ts';
import type { VerifiedToken } from '../verification/verdict.ts';

/** What can be said. */
export type IdentityField =
  | 'user'
  | 'localpart'
  | 'subject'
  | 'device'
  | 'client'
  | 'scope'
  | 'provider'
  | 'email'
  | 'groups'
  | 'anonymous';

/** Header -> what it says. */
export type IdentityHeaders = Readonly<Record<string, IdentityField>>;

/** Header names by preset, as the documentation of each product has them. */
export const headerPresets: Readonly<Record<'gatehouse' | 'kong' | 'oauth2-proxy', IdentityHeaders>> = {
  gatehouse: {
    'x-auth-user': 'user',
    'x-auth-localpart': 'localpart',
    'x-auth-subject': 'subject',
    'x-auth-device': 'device',
    'x-auth-client': 'client',
    'x-auth-scope': 'scope',
    'x-auth-provider': 'provider',
    'x-auth-email': 'email',
    'x-auth-groups': 'groups',
    'x-auth-anonymous': 'anonymous',
  },
  // Kong's consumer is the application that holds the credential.
  kong: {
    'x-consumer-id': 'client',
    'x-consumer-custom-id': 'client',
    'x-consumer-username': 'client',
    'x-credential-identifier': 'client',
    'x-anonymous-consumer': 'anonymous',
    'x-authenticated-scope': 'scope',
    'x-authenticated-userid': 'user',
  },
  'oauth2-proxy': {
    'x-auth-request-user': 'subject',
    'x-auth-request-email': 'email',
    'x-auth-request-preferred-username': 'localpart',
    'x-auth-request-groups': 'groups',
  },
};

/** The headers of a preset, with other names if the operator gave some; null leaves a header out. */
export function identityHeaders(
  preset: keyof typeof headerPresets,
  names: Readonly<Partial<Record<IdentityField, string | null>>>,
): IdentityHeaders {
  const kept = Object.entries(headerPresets[preset]).filter(([, field]) => names[field] === undefined);
  const renamed = Object.entries(names).flatMap(([field, name]) =>
    name === null ? [] : [[name.toLowerCase(), field as IdentityField] as const],
  );
  return Object.fromEntries([...kept, ...renamed]);
}

/**
 * Every header with its value, empty if there is nothing to say: a proxy that copies them overwrites what the client sent under the same name.
 * `token` is undefined for a request that passes without one.
 */
export function sayWho(
  headers: IdentityHeaders,
  token: VerifiedToken | undefined,
  serverName: string,
): Record<string, string> {
  const said: Record<string, string> = {};
  for (const [name, field] of Object.entries(headers)) said[name] = printable(tell(field, token, serverName));
  return said;
}

function tell(field: IdentityField, token: VerifiedToken | undefined, serverName: string): string {
  if (token === undefined) return field === 'anonymous' ? 'true' : '';
  switch (field) {
    case 'user':
      return token.localpart === undefined ? '' : userId(token.localpart, serverName);
    case 'localpart':
      return token.localpart ?? '';
    case 'subject':
      return token.subject;
    case 'device':
      return token.deviceId ?? '';
    case 'client':
      return token.clientId ?? '';
    case 'scope':
      return token.scope.join(' ');
    case 'provider':
      return token.provider;
    case 'email':
      return textOf(token.claims['email']);
    case 'groups':
      return listOf(token.claims['groups']);
    case 'anonymous':
      return '';
  }
}

function textOf(claim: unknown): string {
  return typeof claim === 'string' ? claim : '';
}

/** A group with a comma in its name would be two. */
function listOf(claim: unknown): string {
  if (!Array.isArray(claim)) return textOf(claim).replaceAll(',', '%2C');
  return claim
    .map((each) => textOf(each).replaceAll(',', '%2C'))
    .filter(Boolean)
    .join(',');
}

/** Percent-encodes what a header value cannot hold, the percent sign included if there is any such. */
function printable(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$|^$/.test(text)) return text;
  return Array.from(Buffer.from(text), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}
