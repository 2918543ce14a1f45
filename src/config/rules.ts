/** Rules that look at more than one key. They are judged on as much of the input as holds, so that all faults come at once. */
import { createPrivateKey } from 'node:crypto';
import { encryptionKeyFault } from './encryption-key.ts';
import type { KeyPath, Report } from './fault.ts';
import type { ConfigInput, DeepPartial } from './schema.ts';
import { isPlainHttpAbroad } from './urls.ts';

type Input = DeepPartial<ConfigInput>;
type ProviderInput = NonNullable<NonNullable<Input['providers']>[number]>;

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8090;

/** Reports every broken rule between keys. */
export function checkRules(input: Input, report: Report): void {
  checkOwnUrl(input, report);
  checkEncryptionKey(input, report);
  checkListeners(input, report);
  checkProviders(input, report);
  checkHomeserver(input, report);
  for (const [index, client] of (input.clients ?? []).entries()) {
    const earlier = (input.clients ?? []).slice(0, index);
    if (client.client_id !== undefined && earlier.some((other) => other.client_id === client.client_id)) {
      report(['clients', index, 'client_id'], 'is the id of an earlier client too', 'Give each its own.');
    }
  }
}

function checkOwnUrl({ public_url: url, public_url_allow_http: allowed }: Input, report: Report): void {
  if (url !== undefined && allowed !== true && isPlainHttpAbroad(url)) {
    report(
      ['public_url'],
      'is http on a host that is not loopback: tokens and cookies would travel unprotected',
      'Write https://…, or, in a closed test network, add `public_url_allow_http: true`.',
    );
  }
}

function checkEncryptionKey(input: Input, report: Report): void {
  const key = input.encryption_key;
  if (key !== undefined) {
    const fault = encryptionKeyFault(key);
    const mend = 'Make one: openssl rand -base64 32. A database that exists needs the key it was made with.';
    if (fault !== undefined) report(['encryption_key'], fault, mend);
  } else if (/^postgres/.test(input.database?.url ?? '') && input.encryption_key_file === undefined) {
    report(
      ['encryption_key'],
      'is missing; PostgreSQL requires it, as all processes must have the same',
      'Run `openssl rand -base64 32 > gatehouse.key` and add `encryption_key_file: gatehouse.key`.',
    );
  }
}

function checkListeners({ listen, operations }: Input, report: Report): void {
  if (listen?.socket !== undefined) {
    for (const key of ['host', 'port'] as const) {
      if (listen[key] !== undefined) {
        report(
          ['listen', key],
          'is set, and `socket` too',
          'Remove one: a listener has an address or a socket.',
        );
      }
    }
    return;
  }
  const port = listen?.port ?? DEFAULT_PORT;
  const host = listen?.host ?? DEFAULT_HOST;
  const otherPort = operations?.port ?? 9090;
  const otherHost = operations?.host ?? '127.0.0.1';
  const overlap = host === otherHost || [host, otherHost].some((name) => name === '0.0.0.0' || name === '::');
  if (port !== 0 && port === otherPort && overlap) {
    report(['operations', 'port'], `is ${port}, which \`listen\` has too`, 'Give it a port of its own.');
  }
}

function checkProviders(input: Input, report: Report): void {
  const providers = input.providers ?? [];
  for (const [index, provider] of providers.entries()) {
    const path = ['providers', index];
    if (provider.id !== undefined && providers.slice(0, index).some((other) => other.id === provider.id)) {
      report(
        [...path, 'id'],
        `is ${JSON.stringify(provider.id)}, as of an earlier provider`,
        'Give each its own.',
      );
    }
    if (provider.issuer !== undefined && provider.issuer === input.public_url) {
      report(
        [...path, 'issuer'],
        'is our own `public_url`: people would be sent in a circle',
        'Write the issuer of the identity provider.',
      );
    }
    checkProviderUrls(provider, path, report);
    checkProviderCredentials(provider, path, report);
    checkProviderScopes(provider, path, report);
    const { min_ttl_seconds: floor = 60, max_ttl_seconds: ceiling = 86_400 } = provider.discovery ?? {};
    if (floor > ceiling) {
      report(
        [...path, 'discovery', 'min_ttl_seconds'],
        `is ${floor}, above \`max_ttl_seconds\` (${ceiling})`,
        'Make it smaller.',
      );
    }
  }
}

function checkProviderUrls(provider: ProviderInput, path: KeyPath, report: Report): void {
  if (provider.allow_http === true) return;
  const urls: [KeyPath, unknown][] = [
    [['issuer'], provider.issuer],
    [['discovery_url'], provider.discovery_url],
    ...Object.entries(provider.endpoints ?? {}).map(([key, url]): [KeyPath, unknown] => [
      ['endpoints', key],
      url,
    ]),
    ...Object.entries(provider.discovery?.overrides ?? {}).map(([key, url]): [KeyPath, unknown] => [
      ['discovery', 'overrides', key],
      url,
    ]),
  ];
  for (const [key, url] of urls) {
    if (typeof url !== 'string' || !isPlainHttpAbroad(url)) continue;
    report(
      [...path, ...key],
      'is http on a host that is not loopback: codes and secrets would travel unprotected',
      'Write https://…, or, in a closed network, add `allow_http: true` to the provider.',
    );
  }
}

function checkProviderCredentials(provider: ProviderInput, path: KeyPath, report: Report): void {
  const {
    client_secret: secret,
    client_secret_file: secretFile,
    private_key: key,
    private_key_file: keyFile,
  } = provider;
  const method = provider.token_endpoint_auth_method;
  const hasSecret = secret !== undefined || secretFile !== undefined;
  const hasKey = key !== undefined || keyFile !== undefined;
  if (key !== undefined && !isPrivateKey(key)) {
    report(
      [...path, 'private_key'],
      'is no private key in PEM form',
      'Give one: -----BEGIN PRIVATE KEY-----',
    );
  }
  if (method === 'private_key_jwt' && !hasKey) {
    report([...path, 'private_key'], 'is missing; private_key_jwt needs it', 'Add `private_key_file`.');
  } else if (method !== undefined && method !== 'private_key_jwt' && hasKey) {
    report([...path, 'private_key'], `is of no use with ${method}`, 'Remove it, or write private_key_jwt.');
  }
  if (method === 'none' && hasSecret) {
    report(
      [...path, 'client_secret'],
      'is of no use with `token_endpoint_auth_method: none`',
      'Remove one of the two.',
    );
  } else if (method === 'private_key_jwt' && hasSecret) {
    report([...path, 'client_secret'], 'is of no use with private_key_jwt', 'Remove it.');
  } else if (method?.startsWith('client_secret') === true && !hasSecret) {
    report([...path, 'client_secret'], `is missing; ${method} needs it`, 'Add `client_secret_file`.');
  } else if (method === undefined && !hasSecret && !hasKey) {
    report(
      [...path, 'client_secret'],
      'is missing',
      'Add `client_secret_file`, or, if the provider gave us no secret, `token_endpoint_auth_method: none`.',
    );
  } else if (method === undefined && hasSecret && hasKey) {
    report([...path, 'private_key'], 'is set beside a client secret', 'Remove one of the two.');
  }
}

function checkProviderScopes(provider: ProviderInput, path: KeyPath, report: Report): void {
  if (provider.scopes === undefined || provider.preset === 'oauth2' || provider.scopes.includes('openid'))
    return;
  report(
    [...path, 'scopes'],
    'lack `openid`: without it the provider tells nobody who signed in',
    'Add `openid`.',
  );
}

function checkHomeserver({ homeserver }: Input, report: Report): void {
  if (homeserver === undefined) return;
  if (homeserver.kind === 'synapse') {
    if (homeserver.url === undefined) {
      report(
        ['homeserver', 'url'],
        'is missing; Synapse is called there',
        'Add `url: http://127.0.0.1:8008`.',
      );
    }
    if (homeserver.secret === undefined && homeserver.secret_file === undefined) {
      report(['homeserver', 'secret'], 'is missing; Synapse has the same', 'Add `secret_file`.');
    }
  }
  for (const key of ['url', 'public_url'] as const) {
    const url = homeserver[key];
    if (url === undefined || homeserver.allow_http === true || !isPlainHttpAbroad(url)) continue;
    report(
      ['homeserver', key],
      'is http on a host that is not loopback: tokens would travel unprotected',
      'Write https://…, or, in a closed network, add `allow_http: true` to `homeserver`.',
    );
  }
}

function isPrivateKey(text: string): boolean {
  try {
    createPrivateKey(text);
    return true;
  } catch {
    return false;
  }
}

/** Warns of what works and is probably not meant. */
export function checkWarnings(input: Input, warn: Report): void {
  if (input.server_name !== undefined && /[A-Z]/.test(input.server_name)) {
    warn(['server_name'], 'has capitals, and user IDs compare them', 'Write it as the homeserver does.');
  }
  const secret = input.homeserver?.secret;
  if (secret !== undefined && secret.length < 16) {
    warn(['homeserver', 'secret'], 'is short enough to be guessed', 'Make one: openssl rand -base64 32');
  }
  if (input.homeserver?.kind !== 'synapse' && input.homeserver?.url !== undefined) {
    warn(['homeserver', 'url'], 'is not used with `kind: none`: nothing is called', 'Remove it.');
  }
  for (const [index, range] of (input.listen?.trusted_proxies ?? []).entries()) {
    if (/\/0$/.test(range)) {
      warn(
        ['listen', 'trusted_proxies', index],
        'is everybody: any client can make up its address',
        'Name the proxy.',
      );
    }
  }
  if (['0.0.0.0', '::'].includes(input.operations?.host ?? '')) {
    warn(['operations', 'host'], 'is every address: metrics have no access control', 'Keep it on 127.0.0.1.');
  }
}
