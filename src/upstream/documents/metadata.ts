/** The IdP's metadata: read, judged, and completed for our own use of it. */
import type { AuthorizationServer } from 'oauth4webapi';
import { isLoopbackHost } from '../../protocol/addresses.ts';
import { DocumentFault } from './document-fault.ts';
import { differenceOf } from '../../protocol/url-difference.ts';
import { plainUrl } from '../../outbound/outbound-fault.ts';
import { usesOpenId } from '../login/authorization-url.ts';
import { needsKeys } from '../login/signature-algorithms.ts';
import { quoteForLog } from '../login/refusal.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { JsonFault } from '../../protocol/strict-json.ts';
import { parseProviderObject, withoutNulls } from '../provider-json.ts';

export const METADATA_BYTES = 256 * 1024;

export interface ProviderMetadata {
  /** The document as the IdP sent it; empty if endpoints are given by hand. */
  readonly document: Readonly<Record<string, unknown>>;
  /** For our own use: overrides applied, missing members filled in. Its `issuer` is the one that the document states. */
  readonly server: AuthorizationServer;
}

/** What is wrong with one member of the metadata. */
export interface MetadataFault {
  readonly member: string;
  readonly kind: 'issuer' | 'missing' | 'not_a_url' | 'insecure' | 'unclean_url' | 'type';
  /** One clause that names the member: for the log. */
  readonly message: string;
  /** A URL without what may be secret in it; `undefined` if there is none. */
  readonly url: string | undefined;
  /** Sign-in needs the member. Otherwise it is dropped, and sign-in goes on. */
  readonly stops: boolean;
}

export interface JudgedMetadata extends ProviderMetadata {
  readonly faults: readonly MetadataFault[];
}

/** The lists that a sign-in reads. */
const USED_LISTS = [
  'scopes_supported',
  'response_types_supported',
  'response_modes_supported',
  'grant_types_supported',
  'prompt_values_supported',
  'code_challenge_methods_supported',
  'token_endpoint_auth_methods_supported',
  'id_token_signing_alg_values_supported',
];
const USED_FLAGS = ['authorization_response_iss_parameter_supported'];

/** What RFC 8414 §2 says absent members mean. */
const DEFAULTS = {
  response_modes_supported: ['query', 'fragment'],
  grant_types_supported: ['authorization_code', 'implicit'],
  token_endpoint_auth_methods_supported: ['client_secret_basic'],
};

/** Reads a metadata document. Throws {@link DocumentFault} naming the first thing that stops sign-in. */
export function parseMetadata(body: string, settings: ResolvedSettings): ProviderMetadata {
  return requireSound(judgeMetadata(parseObject(body), settings));
}

/** The metadata of a provider whose endpoints are all given by hand. Throws {@link DocumentFault}. */
export function metadataByHand(settings: ResolvedSettings): ProviderMetadata {
  const { server } = requireSound(judgeMetadata({ issuer: settings.issuer }, settings));
  return { document: {}, server };
}

function requireSound({ document, server, faults }: JudgedMetadata): ProviderMetadata {
  const fault = faults.find(({ stops }) => stops);
  if (fault !== undefined) throw new DocumentFault(fault.message);
  return { document, server };
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

/** Every fault of a document, and what is left of it without the members that have one. Throws nothing: the rules stand here only. */
export function judgeMetadata(
  document: Readonly<Record<string, unknown>>,
  settings: ResolvedSettings,
): JudgedMetadata {
  const members = completeMetadata(document, settings);
  const faults = [...judgeIssuer(document['issuer'], settings)];
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue;
    const fault = isUrlMember(name) ? judgeUrl(name, value, settings) : judgeType(name, value);
    if (fault !== undefined) faults.push(fault);
  }
  for (const name of requiredMembers(settings)) {
    if (members[name] !== undefined) continue;
    const message = `the metadata document has no ${name}`;
    faults.push({ member: name, kind: 'missing', message, url: undefined, stops: true });
  }
  const faulty = new Set(faults.filter(({ kind }) => kind !== 'issuer').map(({ member }) => member));
  const sound = (from: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(from).filter(([name]) => !faulty.has(name)));
  return { document: sound(document), server: sound(members) as unknown as AuthorizationServer, faults };
}

/** What a sign-in cannot do without. */
function requiredMembers(settings: ResolvedSettings): string[] {
  return [
    'authorization_endpoint',
    'token_endpoint',
    ...(needsKeys(settings) ? ['jwks_uri'] : []),
    ...(usesOpenId(settings) ? [] : ['userinfo_endpoint']),
  ];
}

function isUrlMember(name: string): boolean {
  return name.endsWith('_endpoint') || name === 'jwks_uri';
}

/** The document with the defaults of RFC 8414 §2, what the preset fills in and the operator's overrides; nothing is judged. */
function completeMetadata(
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

function judgeIssuer(stated: unknown, settings: ResolvedSettings): MetadataFault[] {
  const message = issuerFault(stated, settings);
  if (message === undefined) return [];
  return [{ member: 'issuer', kind: 'issuer', message, url: undefined, stops: true }];
}

function issuerFault(stated: unknown, settings: ResolvedSettings): string | undefined {
  if (typeof stated !== 'string') return 'the metadata document states no issuer';
  if (stated === settings.issuer) return undefined;
  const template = settings.preset.issuer_template;
  if (template !== undefined && stated === template.issuer) {
    if (settings.allowedTenants.length > 0) return undefined;
    return `the document states the issuer "${stated}", which stands for every tenant: name those that may sign in in allowed_tenants`;
  }
  const seen = quoteForLog(stated, 300);
  return `the document states the issuer "${seen}", the configuration says "${settings.issuer}": ${differenceOf(settings.issuer, seen)}`;
}

/** http: if the configuration allows it, or on this machine if the operator named this machine: as issuer, or for this endpoint. */
function judgeUrl(name: string, value: unknown, settings: ResolvedSettings): MetadataFault | undefined {
  const isRequired = requiredMembers(settings).includes(name);
  const isUsed = isRequired || (name === 'userinfo_endpoint' && settings.fetchUserinfo);
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null) {
    const message = `${name} ${notAUrl(value)}`;
    // An empty text is how some write that they have none.
    const stops = isRequired || (isUsed && value !== '');
    return { member: name, kind: 'not_a_url', message, url: undefined, stops };
  }
  const shown = quoteForLog(plainUrl(url), 300);
  const fault = (kind: MetadataFault['kind'], what: string): MetadataFault => {
    return { member: name, kind, message: `${name} (${shown}) ${what}`, url: shown, stops: isUsed };
  };
  const written =
    Object.hasOwn(settings.discovery.overrides, name) || isLoopbackHost(new URL(settings.issuer));
  const allowed = settings.allowHttp || (written && isLoopbackHost(url));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowed)) {
    return fault('insecure', 'is not https');
  }
  if (url.username !== '' || url.password !== '') return fault('unclean_url', 'has credentials in it');
  if (String(value).includes('#')) return fault('unclean_url', 'has a fragment');
  return undefined;
}

/** Without what may be a secret in it. */
function notAUrl(value: unknown): string {
  if (value === '') return 'is empty, not an absolute URL';
  if (typeof value !== 'string')
    return `is ${Array.isArray(value) ? 'an array' : `of the type ${typeof value}`}, not an absolute URL`;
  const [shown = ''] = value.split(/[?#]/);
  return shown.includes('@')
    ? 'is not an absolute URL'
    : `(${quoteForLog(shown, 100)}) is not an absolute URL`;
}

function judgeType(name: string, value: unknown): MetadataFault | undefined {
  const isFlag = USED_FLAGS.includes(name);
  const isUsed = isFlag || USED_LISTS.includes(name);
  if (!isUsed && !name.endsWith('_supported')) return undefined;
  if (typeof value === 'boolean' ? isFlag || !isUsed : !isFlag && isStringArray(value)) return undefined;
  const message = `${name} is not ${isFlag ? 'a boolean' : 'an array of strings'}`;
  // An empty text is how some write that they have none.
  return { member: name, kind: 'type', message, url: undefined, stops: isUsed && value !== '' };
}

function isStringArray(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
