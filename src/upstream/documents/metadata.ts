/** The IdP's metadata: read, judged, and completed for our own use of it. */
import type { AuthorizationServer } from 'oauth4webapi';
import { isLoopbackHost } from '../../outbound/addresses.ts';
import { DocumentFault } from './document-fault.ts';
import { describeIssuerDifference } from './issuer-difference.ts';
import { plainUrl } from '../../outbound/outbound-fault.ts';
import { quoteForLog } from '../login/refusal.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { JsonFault } from '../../protocol/strict-json.ts';
import { parseProviderObject, withoutNulls } from '../provider-json.ts';

export const METADATA_BYTES = 256 * 1024;

export interface ProviderMetadata {
  /** The document as the IdP sent it; empty where endpoints are given by hand. */
  readonly document: Readonly<Record<string, unknown>>;
  /** For our own use: overrides applied, missing members filled in. Its `issuer` is the one that the document states. */
  readonly server: AuthorizationServer;
}

const STRINGS = ['issuer'];
const STRING_ARRAYS = [
  'scopes_supported',
  'response_types_supported',
  'response_modes_supported',
  'grant_types_supported',
  'subject_types_supported',
  'claims_supported',
  'prompt_values_supported',
  'code_challenge_methods_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
  'userinfo_signing_alg_values_supported',
];
const BOOLEANS = ['authorization_response_iss_parameter_supported'];

/** What RFC 8414 §2 says absent members mean. */
const DEFAULTS = {
  response_modes_supported: ['query', 'fragment'],
  grant_types_supported: ['authorization_code', 'implicit'],
  token_endpoint_auth_methods_supported: ['client_secret_basic'],
};

/** Reads a metadata document. Throws {@link DocumentFault} naming the first thing that is wrong with it. */
export function parseMetadata(body: string, settings: ResolvedSettings): ProviderMetadata {
  const document = parseObject(body);
  return { document, server: judge(document, settings) };
}

/** The metadata of a provider whose endpoints are all given by hand. Throws {@link DocumentFault}. */
export function metadataByHand(settings: ResolvedSettings): ProviderMetadata {
  return { document: {}, server: judge({ issuer: settings.issuer }, settings) };
}

function parseObject(body: string): Record<string, unknown> {
  try {
    return parseProviderObject(body);
  } catch (error) {
    if (error instanceof JsonFault)
      throw new DocumentFault(`the metadata document is malformed: ${error.message}`);
    throw error;
  }
}

function judge(document: Record<string, unknown>, settings: ResolvedSettings): AuthorizationServer {
  judgeIssuer(document['issuer'], settings);
  const members = completeMetadata(document, settings);
  for (const name of STRINGS) assertType(members, name, (value) => typeof value === 'string', 'a string');
  for (const name of STRING_ARRAYS) assertType(members, name, isStringArray, 'an array of strings');
  for (const name of BOOLEANS) assertType(members, name, (value) => typeof value === 'boolean', 'a boolean');
  for (const [name, value] of Object.entries(members)) {
    if (name.endsWith('_endpoint') || name === 'jwks_uri') judgeEndpoint(name, value, settings);
  }
  for (const name of required(settings)) {
    if (members[name] === undefined) throw new DocumentFault(`the metadata document has no ${name}`);
  }
  return members as unknown as AuthorizationServer;
}

function required(settings: ResolvedSettings): string[] {
  const always = ['authorization_endpoint', 'token_endpoint'];
  return settings.preset.openid === false ? [...always, 'userinfo_endpoint'] : [...always, 'jwks_uri'];
}

/** The document with the defaults of RFC 8414 §2, what the preset fills in and the operator's overrides; nothing is judged. */
export function completeMetadata(
  document: Readonly<Record<string, unknown>>,
  settings: ResolvedSettings,
): Record<string, unknown> {
  const members: Record<string, unknown> = {
    ...DEFAULTS,
    ...settings.preset.missing_members,
    ...withoutNulls(document),
  };
  for (const [name, value] of Object.entries(settings.discovery.overrides)) {
    if (value === null) Reflect.deleteProperty(members, name);
    else if (name !== 'issuer') members[name] = value;
  }
  return members;
}

function judgeIssuer(stated: unknown, settings: ResolvedSettings): void {
  if (typeof stated !== 'string') throw new DocumentFault('the metadata document states no issuer');
  if (stated === settings.issuer) return;
  const template = settings.preset.issuer_template;
  if (template !== undefined && stated === template.issuer) {
    if (settings.allowedTenants.length > 0) return;
    throw new DocumentFault(
      `the document states the issuer "${stated}", which stands for every tenant: name those that may sign in in allowed_tenants`,
    );
  }
  throw new DocumentFault(describeIssuerDifference(settings.issuer, quoteForLog(stated, 300)));
}

/** http: where the configuration allows it, or on this machine if the operator named this machine: as issuer, or for this endpoint. */
function judgeEndpoint(name: string, value: unknown, settings: ResolvedSettings): void {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null) throw new DocumentFault(`${name} is not an absolute URL`);
  const where = `${name} (${quoteForLog(plainUrl(url))})`;
  const written =
    Object.hasOwn(settings.discovery.overrides, name) || isLoopbackHost(new URL(settings.issuer));
  const allowed = settings.allowHttp || (written && isLoopbackHost(url));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowed)) {
    throw new DocumentFault(`${where} is not https`);
  }
  if (url.username !== '' || url.password !== '') throw new DocumentFault(`${where} has credentials in it`);
  if (typeof value === 'string' && value.includes('#')) throw new DocumentFault(`${where} has a fragment`);
}

function assertType(
  members: Record<string, unknown>,
  name: string,
  is: (value: unknown) => boolean,
  what: string,
): void {
  const value = members[name];
  if (value !== undefined && !is(value)) throw new DocumentFault(`${name} is not ${what}`);
}

function isStringArray(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
