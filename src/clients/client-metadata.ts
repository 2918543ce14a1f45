/** Client metadata (RFC 7591 section 2, Matrix specification "Client registration"): what is accepted, and what is kept of it. */
import { OAuthError } from '../protocol/oauth-error.ts';
import { isHostOrSubdomain, isRegistrableHost } from './client-hosts.ts';
import { displayNameFault } from './display-name.ts';
import { redirectUriFault } from './redirect-uri.ts';

/** What a client that registers itself can choose from. */
const authMethods = ['none', 'client_secret_basic', 'client_secret_post'] as const;
export type OmittedAuthMethod = 'none' | 'client_secret_basic';
/** How a client authenticates; static clients can have keys too. */
export type AuthMethod = (typeof authMethods)[number] | 'private_key_jwt';

/** What is kept of a client's metadata, normalised: what was not understood is gone, what was left out has its default. */
export interface ClientMetadata {
  /** Dynamic clients always have one. */
  readonly client_uri?: string;
  readonly application_type: 'web' | 'native';
  readonly redirect_uris: readonly string[];
  readonly grant_types: readonly string[];
  readonly response_types: readonly string[];
  readonly token_endpoint_auth_method: AuthMethod;
  /** `client_name`, `logo_uri`, `tos_uri`, `policy_uri` and their localised forms (`client_name#de`). */
  readonly [texts: string]: unknown;
}

type Input = Readonly<Record<string, unknown>>;

/** RFC 8628 section 3.4. */
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Grants by which a session can begin; a client that asks for none of them has nothing to register for. */
const beginningGrants = ['authorization_code', DEVICE_CODE_GRANT];
const supportedGrants = [...beginningGrants, 'refresh_token'];
const TEXT_LIMIT = 255;
const URL_LIMIT = 2048;
const REDIRECT_LIMIT = 10;
/** The most bytes that are kept of one client: registration is open, and what it keeps stays. */
const METADATA_LIMIT = 8192;
const LOCALISED_LIMIT = 100;

/** Who may register, and what becomes of what was left out. */
export interface MetadataRules {
  /** What an omitted `token_endpoint_auth_method` means; RFC 7591 section 2 says `client_secret_basic`. */
  readonly omittedAuthMethod: OmittedAuthMethod;
}

/** Judges metadata that a client sent. Throws `invalid_client_metadata` or `invalid_redirect_uri`, naming the member and the rule. */
export function normaliseClientMetadata(sent: Input, rules: MetadataRules): ClientMetadata {
  // A member that is null is one that was left out.
  const input = Object.fromEntries(Object.entries(sent).filter(([, value]) => value != null));
  const clientUri = webUrl(input, 'client_uri');
  if (!isRegistrableHost(clientUri.hostname)) {
    refuse('client_uri must be on a host name below a public suffix');
  }
  const applicationType = oneOf(input, 'application_type', ['web', 'native'] as const, 'web');
  const grants = strings(input, 'grant_types') ?? ['authorization_code'];
  const keptGrants = supportedGrants.filter((grant) => grants.includes(grant));
  const usesCode = keptGrants.includes('authorization_code');
  const responses = strings(input, 'response_types') ?? (usesCode ? ['code'] : []);
  if (usesCode && !responses.includes('code')) {
    refuse('response_types must contain code for the grant type authorization_code');
  }
  if (!keptGrants.some((grant) => beginningGrants.includes(grant))) {
    refuse(`grant_types must contain ${beginningGrants.join(' or ')}`);
  }
  const metadata: ClientMetadata = {
    client_uri: String(input['client_uri']),
    application_type: applicationType,
    redirect_uris: redirectUris(input, { clientUri, applicationType, required: usesCode }),
    grant_types: keptGrants,
    response_types: usesCode ? ['code'] : [],
    token_endpoint_auth_method: authMethod(input, rules),
    ...texts(input, clientUri),
  };
  if (Buffer.byteLength(JSON.stringify(metadata)) > METADATA_LIMIT) {
    refuse(`the metadata must have at most ${METADATA_LIMIT} bytes in all`);
  }
  return metadata;
}

/**
 * An unknown method falls back to `none`, which the answer tells (RFC 7591 section 3.2.1): the client then knows that it is public.
 * `private_key_jwt` is unknown here, because nothing is fetched from a client, and its keys are kept for static clients only.
 */
function authMethod(input: Input, { omittedAuthMethod }: MetadataRules): AuthMethod {
  const wanted = input['token_endpoint_auth_method'];
  if (wanted === undefined) return omittedAuthMethod;
  if (typeof wanted !== 'string') return refuse('token_endpoint_auth_method must be a string');
  return authMethods.find((method) => method === wanted) ?? 'none';
}

function redirectUris(
  input: Input,
  rules: { clientUri: URL; applicationType: 'web' | 'native'; required: boolean },
): string[] {
  const value = input['redirect_uris'];
  if (value === undefined && !rules.required) return [];
  if (!Array.isArray(value) || !value.every((uri) => typeof uri === 'string')) {
    refuseRedirect('redirect_uris must be an array of strings');
  }
  if (value.length === 0 && rules.required) refuseRedirect('redirect_uris must not be empty');
  if (value.length > REDIRECT_LIMIT) refuseRedirect(`redirect_uris must hold at most ${REDIRECT_LIMIT} URIs`);
  if (new Set(value).size < value.length) refuseRedirect('redirect_uris must not name a URI twice');
  value.forEach((uri, index) => {
    const fault = redirectUriFault(uri, rules);
    if (fault !== undefined) refuseRedirect(`redirect_uris[${index}] ${fault}`);
  });
  return value;
}

/** The members for people, and their localised forms. A localised one that cannot be kept is left out: there is the general one to show. */
function texts(input: Input, clientUri: URL): Record<string, string> {
  const kept: Record<string, string> = {};
  let localised = 0;
  for (const name of Object.keys(input)) {
    const [member = '', tag] = name.split('#', 2);
    if (!['client_name', 'logo_uri', 'tos_uri', 'policy_uri'].includes(member)) continue;
    if (tag !== undefined && (!/^[A-Za-z0-9-]{1,35}$/.test(tag) || ++localised > LOCALISED_LIMIT)) continue;
    try {
      kept[name] = member === 'client_name' ? displayText(input, name) : ownUrl(input, name, clientUri);
    } catch (error) {
      if (tag === undefined || !(error instanceof OAuthError)) throw error;
    }
  }
  return kept;
}

function displayText(input: Input, member: string): string {
  const value = input[member];
  if (typeof value !== 'string') return refuse(`${member} must be a string`);
  if (value.length > TEXT_LIMIT) refuse(`${member} must have at most ${TEXT_LIMIT} characters`);
  const fault = displayNameFault(value);
  if (fault !== undefined) refuse(`${member} ${fault}`);
  return value;
}

function ownUrl(input: Input, member: string, clientUri: URL): string {
  const url = webUrl(input, member);
  if (!isHostOrSubdomain(url.hostname, clientUri.hostname)) {
    refuse(`${member} must be on the host of client_uri or a subdomain of it`);
  }
  return String(input[member]);
}

function webUrl(input: Input, member: string): URL {
  const value = input[member];
  if (value === undefined) refuse(`${member} is required`);
  if (typeof value !== 'string') return refuse(`${member} must be a string`);
  if (value.length > URL_LIMIT) refuse(`${member} must have at most ${URL_LIMIT} characters`);
  if (!URL.canParse(value)) refuse(`${member} must be a URL`);
  const url = new URL(value);
  if (url.protocol !== 'https:') refuse(`${member} must be an https URL`);
  if (url.username !== '' || url.password !== '') refuse(`${member} must hold no user information`);
  return url;
}

function strings(input: Input, member: string): string[] | undefined {
  const value = input[member];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    return refuse(`${member} must be an array of strings`);
  }
  return value;
}

function oneOf<T extends string>(input: Input, member: string, values: readonly T[], fallback: T): T {
  const value = input[member];
  if (value === undefined) return fallback;
  return values.find((known) => known === value) ?? refuse(`${member} must be one of ${values.join(', ')}`);
}

function refuse(rule: string): never {
  throw new OAuthError('invalid_client_metadata', rule);
}

function refuseRedirect(rule: string): never {
  throw new OAuthError('invalid_redirect_uri', rule);
}
