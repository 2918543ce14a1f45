/** Rules between the keys of static clients. */
import type { Report } from './fault.ts';
import { keySetFault } from './key-set.ts';
import type { ConfigInput, DeepPartial } from './schema.ts';

type Clients = NonNullable<DeepPartial<ConfigInput>['clients']>;
type Client = NonNullable<Clients[number]>;

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'];

/** What of the rest of the configuration the rules look at. */
interface Rest {
  /** Names of the `scopes` at the top level. */
  readonly scopes: ReadonlySet<string>;
  readonly hasPasswordGrant: boolean;
}

/** Reports every rule that the static clients break. */
export function checkClients(clients: Clients, rest: Rest, report: Report): void {
  for (const [index, client] of clients.entries()) {
    if (client === undefined) continue;
    const tell = (key: string, problem: string, remedy: string): void => {
      report(['clients', index, key], problem, remedy);
    };
    const id = client.client_id;
    if (id !== undefined && clients.slice(0, index).some((other) => other?.client_id === id)) {
      tell('client_id', 'is also the id of an earlier client', 'Give each client its own id.');
    }
    checkCredentials(client, tell);
    checkGrants(client, tell);
    checkScopes(client, rest.scopes, tell);
    checkPasswordGrant(client, rest, tell);
  }
}

type Tell = (key: string, problem: string, remedy: string) => void;

function checkCredentials(client: Client, tell: Tell): void {
  const method = client.token_endpoint_auth_method ?? 'none';
  const needsSecret = SECRET_METHODS.includes(method);
  const needsKeys = method === 'private_key_jwt';
  const hasSecret = client.client_secret !== undefined || client.client_secret_file !== undefined;
  const hasKeys = client.jwks !== undefined || client.jwks_file !== undefined;
  if (needsSecret && !hasSecret) {
    tell('client_secret', `is missing; \`${method}\` needs it`, 'Add `client_secret_file: …`.');
  } else if (!needsSecret && client.client_secret !== undefined) {
    tell(
      'client_secret',
      `is not used with \`token_endpoint_auth_method: ${method}\``,
      'Remove it, or write `token_endpoint_auth_method: client_secret_basic`.',
    );
  }
  // Here and not with the key itself, as the message would show what was written: perhaps a private key.
  const broken = client.jwks === undefined ? undefined : keySetFault(client.jwks);
  if (broken !== undefined) tell('jwks', broken, 'Give the public keys: {"keys":[{"kty":"EC",…}]}.');
  if (needsKeys && !hasKeys) tell('jwks', `is missing; \`${method}\` needs it`, 'Add `jwks_file: …`.');
  else if (!needsKeys && client.jwks !== undefined) {
    tell(
      'jwks',
      `is not used with \`token_endpoint_auth_method: ${method}\``,
      'Remove it, or write `token_endpoint_auth_method: private_key_jwt`.',
    );
  }
}

function checkGrants(client: Client, tell: Tell): void {
  const grants = client.grant_types ?? ['authorization_code', 'refresh_token'];
  const isPublic = (client.token_endpoint_auth_method ?? 'none') === 'none';
  if (grants.length === 0) tell('grant_types', 'is empty', 'Remove it, or name a grant.');
  if (grants.includes('authorization_code') && (client.redirect_uris ?? []).length === 0) {
    tell('redirect_uris', 'is missing; `authorization_code` needs one', 'Add `redirect_uris: [https://…]`.');
  }
  if (grants.includes('client_credentials') && isPublic) {
    tell(
      'grant_types',
      'contains `client_credentials`, but the client has no credentials',
      'Write `token_endpoint_auth_method: client_secret_basic`, and a secret.',
    );
  }
  if (client.introspect_all === true && isPublic) {
    tell('introspect_all', 'is on, but the client cannot authenticate', 'Give it a secret or keys.');
  }
}

/** People's passwords go to servers that prove who they are, and only if the operator has thought of it. */
function checkPasswordGrant(client: Client, { hasPasswordGrant }: Rest, tell: Tell): void {
  if (client.grant_types?.includes('password') !== true) return;
  if ((client.token_endpoint_auth_method ?? 'none') === 'none') {
    tell(
      'grant_types',
      'names `password`, and the client cannot prove who it is',
      'Write `token_endpoint_auth_method: client_secret_basic`, and a secret.',
    );
  }
  if (!hasPasswordGrant) {
    tell(
      'grant_types',
      'names `password`, which is off',
      'Write `password_grant: { provider: … }`, or leave it out.',
    );
  }
  if ((client.scopes ?? []).length === 0) {
    tell(
      'scopes',
      'is missing; a password gives nothing but `scopes` of your own',
      'Name some: `scopes: […]`.',
    );
  }
}

/** With client credentials any scope is allowed: its meaning is agreed between the client and the servers that it calls. */
function checkScopes(client: Client, defined: ReadonlySet<string>, tell: Tell): void {
  const grants: readonly string[] = (client.grant_types ?? []).filter((each) => each !== undefined);
  if (grants.includes('client_credentials')) return;
  const unknown = (client.scopes ?? []).find((scope) => scope !== undefined && !defined.has(scope));
  if (unknown === undefined) return;
  tell(
    'scopes',
    `name \`${unknown}\`, which is not among the \`scopes\` at the top level; any word will do for \`client_credentials\` alone, which is not among the grants`,
    `Define it: \`scopes: [{ scope: ${unknown}, description: … }]\`.`,
  );
}

/** Warns about static clients that work but are probably a mistake. */
export function warnOfClients(clients: Clients, warn: Report): void {
  for (const [index, client] of clients.entries()) {
    const secret = client?.client_secret;
    if (secret !== undefined && secret.length < 16) {
      warn(
        ['clients', index, 'client_secret'],
        'is short enough to guess',
        'Make one: openssl rand -base64 32',
      );
    }
    if (client?.grant_types?.includes('password') === true) {
      warn(
        ['clients', index, 'grant_types'],
        'names `password`: the client sees passwords, and second factors do not count (RFC 9700 section 2.4)',
        'Leave it out once the server takes tokens.',
      );
    }
    const isPublic = (client?.token_endpoint_auth_method ?? 'none') === 'none';
    const elsewhere = client?.redirect_uris?.some((uri) => uri?.startsWith('https:') === false) === true;
    if (client?.trusted === true && isPublic && elsewhere) {
      warn(
        ['clients', index, 'trusted'],
        'is on for a public client with redirect URIs of an app: any app on the device can impersonate it (RFC 8252 section 8.6)',
        'Remove it: people then confirm each sign-in on the consent page.',
      );
    }
  }
}
