/**
 * What the Matrix specification demands of an auth metadata document (client-server API, "Server metadata discovery"; RFC 8414 section 2), and
 * what matrix-js-sdk and matrix-rust-sdk check before they use one.
 */

type Document = Readonly<Record<string, unknown>>;

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
  'registration_endpoint',
] as const;

/** Members that must be arrays of strings and contain at least the given values. */
export const demandedLists: Readonly<Record<string, readonly string[]>> = {
  response_types_supported: ['code'],
  response_modes_supported: ['query', 'fragment'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
};

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Every MUST that a document breaks, each as a sentence that names the member; empty for a document that clients accept. */
export function metadataFaults(document: Document, options: { allowHttp: boolean }): string[] {
  const faults: string[] = [];
  const urlFault = (member: string): void => {
    const fault = judgeUrl(document[member], options.allowHttp);
    if (fault !== undefined) faults.push(`${member} ${fault}`);
  };
  urlFault('issuer');
  if (typeof document['issuer'] === 'string' && /[?#]/.test(document['issuer'])) {
    faults.push('issuer must have no query and no fragment');
  }
  endpoints.forEach(urlFault);
  for (const [member, values] of Object.entries(demandedLists))
    faults.push(...listFaults(document[member], member, values));
  const grants = document['grant_types_supported'];
  if (Array.isArray(grants) && grants.includes(DEVICE_GRANT)) urlFault('device_authorization_endpoint');
  for (const member of [
    'jwks_uri',
    'account_management_uri',
    'introspection_endpoint',
    'userinfo_endpoint',
  ]) {
    if (document[member] !== undefined) urlFault(member);
  }
  return faults;
}

function judgeUrl(value: unknown, allowHttp: boolean): string | undefined {
  if (value === undefined) return 'is missing';
  if (typeof value !== 'string' || !URL.canParse(value)) return 'must be a URL';
  const { protocol, username, password, hash } = new URL(value);
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) return 'must be an https URL';
  if (username !== '' || password !== '') return 'must hold no user information';
  return hash === '' ? undefined : 'must have no fragment';
}

function listFaults(value: unknown, member: string, values: readonly string[]): string[] {
  if (value === undefined) return [`${member} is missing`];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    return [`${member} must be an array of strings`];
  }
  return values.filter((item) => !value.includes(item)).map((item) => `${member} must contain ${item}`);
}
