/** Rules between several keys. They are checked on the valid part of the input, so that all faults are reported at once. */
import { checkClients, warnOfClients } from './client-rules.ts';
import { encryptionKeyFault } from './encryption-key.ts';
import type { Report } from './fault.ts';
import type { ConfigInput, DeepPartial } from './schema.ts';
import { checkIssuers, warnOfIssuers } from './issuer-rules.ts';
import { checkConditions, checkProviders } from './provider-rules.ts';
import { DEFAULT_DATABASE } from './sections/database.ts';
import { isPlainHttpAbroad } from './urls.ts';

type Input = DeepPartial<ConfigInput>;

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8090;

/** Reports every broken rule between keys. */
export function checkRules(input: Input, report: Report): void {
  checkOwnUrl(input, report);
  checkEncryptionKey(input, report);
  checkDatabase(input, report);
  checkListeners(input, report);
  checkProviders(input, report);
  checkIssuers(input, report);
  checkHomeserver(input, report);
  checkMode(input, report);
  checkScopes(input, report);
  checkClients(input.clients ?? [], restOf(input), report);
  checkPasswordGrant(input, report);
  checkRegistration(input, report);
  checkPasswordLogin(input, report);
  checkSasl(input, report);
  checkEjabberd(input, report);
}

/** The provider that checks passwords must be known. */
function checkPasswordLogin({ legacy_login: legacy, providers }: Input, report: Report): void {
  const password = legacy?.password ?? false;
  if (password === false || providers === undefined) return;
  const ids = providers.map((provider) => provider?.id);
  const chosen = password === true ? undefined : password.provider;
  if (chosen === undefined) {
    if (providers.length < 2) return;
    report(
      ['legacy_login', 'password'],
      'does not say which provider to use',
      `Write \`password: { provider: ${ids[0] ?? 'main'} }\`.`,
    );
  } else if (!ids.includes(chosen)) {
    report(
      ['legacy_login', 'password', 'provider'],
      'names no provider',
      `Write the id of one: ${ids.filter((id) => id !== undefined).join(', ')}.`,
    );
  }
}

function restOf({ scopes, password_grant: grant }: Input): Parameters<typeof checkClients>[1] {
  return {
    scopes: new Set((scopes ?? []).flatMap((each) => each?.scope ?? [])),
    hasPasswordGrant: grant !== undefined && grant !== false,
  };
}

function checkPasswordGrant({ password_grant: grant, providers = [] }: Input, report: Report): void {
  if (grant === undefined || grant === false || grant.provider === undefined) return;
  const ids = providers.map((provider) => provider?.id);
  if (ids.includes(grant.provider)) return;
  report(
    ['password_grant', 'provider'],
    'names no provider',
    `Write the id of one: ${ids.filter((id) => id !== undefined).join(', ')}.`,
  );
}

function checkScopes({ scopes, mode, oauth_api: oauthApi }: Input, report: Report): void {
  if (scopes === undefined || scopes.length === 0) return;
  if (mode === 'passthrough' || oauthApi === false) {
    report(
      ['scopes'],
      'are granted by the authorization server of this service, which is off',
      'Remove them, or write `mode: facade`; in `mode: passthrough` the provider grants scopes.',
    );
  }
  for (const [index, entry] of scopes.entries()) {
    checkConditions(entry ?? {}, ['scopes', index], report);
    const isTwice = scopes.slice(0, index).some((other) => other?.scope === entry?.scope);
    if (entry?.scope !== undefined && isTwice) {
      report(['scopes', index, 'scope'], 'is also the scope of an earlier entry', 'Define it once.');
    }
  }
}

function checkEjabberd({ ejabberd }: Input, report: Report): void {
  if (ejabberd?.enabled !== true || ejabberd.secret !== undefined || ejabberd.secret_file !== undefined)
    return;
  report(['ejabberd', 'secret'], 'is missing; ejabberd proves itself with it', 'Add `secret_file`.');
}

function checkSasl({ sasl, providers = [] }: Input, report: Report): void {
  if (sasl?.enabled === true && sasl.secret === undefined && sasl.secret_file === undefined) {
    report(['sasl', 'secret'], 'is missing; the calling servers authenticate with it', 'Add `secret_file`.');
  }
  const password = sasl?.password ?? false;
  if (password === false) return;
  if (sasl?.mechanisms?.includes('PLAIN') !== true) {
    report(['sasl', 'password'], 'is on, and no mechanism carries one', 'Add `PLAIN` to `mechanisms`.');
  }
  const provider = providers.find((each) => each?.id === password.provider);
  if (provider?.tokens === undefined) {
    report(
      ['sasl', 'password', 'provider'],
      provider === undefined ? 'names no provider' : 'names a provider without `tokens`',
      'Write the id of a provider, and give it `tokens: {}`.',
    );
  }
}

function checkRegistration({ registration }: Input, report: Report): void {
  const hosts = registration?.allowed_hosts ?? [];
  if (registration?.mode === 'allow_list' && hosts.length === 0) {
    report(
      ['registration', 'allowed_hosts'],
      'is missing; `mode: allow_list` needs it',
      'Add `allowed_hosts: [app.example.com]`, or write `mode: off`.',
    );
  } else if (registration?.mode !== 'allow_list' && hosts.length > 0) {
    report(
      ['registration', 'allowed_hosts'],
      'is used with `mode: allow_list` only',
      'Add `mode: allow_list`, or remove it.',
    );
  }
}

function checkMode(input: Input, report: Report): void {
  const { mode, providers, oauth_api: oauthApi } = input;
  if (mode !== 'passthrough') return;
  if ((providers?.length ?? 0) > 1) {
    report(['providers'], 'are several, but `mode: passthrough` works with exactly one', 'Keep one.');
  }
  if (oauthApi === false) {
    report(['oauth_api'], 'is off, but `mode: passthrough` needs it', 'Remove it, or write `mode: facade`.');
  }
}

function checkOwnUrl({ public_url: url, public_url_allow_http: allowed }: Input, report: Report): void {
  if (url !== undefined && allowed !== true && isPlainHttpAbroad(url)) {
    report(
      ['public_url'],
      'is http on a host that is not loopback: tokens and cookies would travel unencrypted',
      'Write https://…, or, in a closed test network, add `public_url_allow_http: true`.',
    );
  }
}

function checkEncryptionKey(input: Input, report: Report): void {
  const key = input.encryption_key;
  if (key !== undefined) {
    const fault = encryptionKeyFault(key);
    const remedy =
      'Generate one: openssl rand -base64 32. An existing database needs the key it was created with.';
    if (fault !== undefined) report(['encryption_key'], fault, remedy);
  } else if (/^postgres/.test(input.database?.url ?? '') && input.encryption_key_file === undefined) {
    report(
      ['encryption_key'],
      'is missing; PostgreSQL requires it, because all processes need the same key',
      'Run `openssl rand -base64 32 > gatehouse.key` and add `encryption_key_file: gatehouse.key`.',
    );
  }
}

function checkDatabase({ database }: Input, report: Report): void {
  if (!(database?.url ?? DEFAULT_DATABASE).startsWith('sqlite:')) return;
  for (const key of ['pool_size', 'direct_url', 'direct_url_file'] as const) {
    if (database?.[key] === undefined) continue;
    report(['database', key], 'is for PostgreSQL, but the database is SQLite', 'Remove it.');
  }
}

function checkListeners({ listen, operations }: Input, report: Report): void {
  if (listen?.socket !== undefined) {
    for (const key of ['host', 'port'] as const) {
      if (listen[key] !== undefined) {
        report(
          ['listen', key],
          'is set in addition to `socket`',
          'Remove one of the two: a listener has an address or a socket.',
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
    report(['operations', 'port'], `is ${port}, which \`listen\` also uses`, 'Use another port.');
  }
}

function checkHomeserver({ homeserver, providers }: Input, report: Report): void {
  for (const [index, provider] of (providers ?? []).entries()) {
    if (provider?.localpart_conflict !== 'link_existing' || homeserver?.kind === 'synapse') continue;
    report(
      ['providers', index, 'localpart_conflict'],
      'needs `homeserver.kind: synapse`, which knows the address of a user',
      'Remove it, or write `kind: synapse` in `homeserver`.',
    );
  }
  if (homeserver === undefined) return;
  if (homeserver.kind === 'synapse') {
    if (homeserver.url === undefined) {
      report(
        ['homeserver', 'url'],
        'is missing; Synapse is called at this URL',
        'Add `url: http://127.0.0.1:8008`.',
      );
    }
    if (homeserver.secret === undefined && homeserver.secret_file === undefined) {
      report(['homeserver', 'secret'], 'is missing; Synapse has the same secret', 'Add `secret_file`.');
    }
  }
  for (const key of ['url', 'public_url'] as const) {
    const url = homeserver[key];
    if (url === undefined || homeserver.allow_http === true || !isPlainHttpAbroad(url)) continue;
    report(
      ['homeserver', key],
      'is http on a host that is not loopback: tokens would travel unencrypted',
      'Write https://…, or, in a closed network, add `allow_http: true` to `homeserver`.',
    );
  }
}

/** Warns about settings that work but are probably a mistake. */
export function checkWarnings(input: Input, warn: Report): void {
  if (input.server_name !== undefined && /[A-Z]/.test(input.server_name)) {
    warn(
      ['server_name'],
      'has capital letters, which count in user IDs',
      'Write it exactly as in the configuration of the homeserver.',
    );
  }
  warnOfClients(input.clients ?? [], warn);
  warnOfIssuers(input, warn);
  warnOfPasswords(input, warn);
  if ((input.sasl?.password ?? false) !== false) {
    warn(
      ['sasl', 'password'],
      'is on: passwords pass through this service, and second factors do not apply (RFC 9700 section 2.4)',
      'Write `false` as soon as all clients can send a token.',
    );
  }
  warnOfSso(input, warn);
  const secret = input.homeserver?.secret;
  if (secret !== undefined && secret.length < 16) {
    warn(['homeserver', 'secret'], 'is short enough to guess', 'Make one: openssl rand -base64 32');
  }
  if (input.homeserver?.kind !== 'synapse' && input.homeserver?.url !== undefined) {
    warn(
      ['homeserver', 'url'],
      'is not used with `kind: none`: the homeserver is never called',
      'Remove it.',
    );
  }
  for (const [index, range] of (input.listen?.trusted_proxies ?? []).entries()) {
    if (range?.endsWith('/0') === true) {
      warn(
        ['listen', 'trusted_proxies', index],
        'covers every address: any client can forge its address',
        'Write the address of the proxy.',
      );
    }
  }
  if (['0.0.0.0', '::'].includes(input.operations?.host ?? '')) {
    warn(
      ['operations', 'host'],
      'is every address of the machine, and metrics have no access control',
      'Keep it on 127.0.0.1.',
    );
  }
}

function warnOfSso({ mode, oauth_api: oauthApi, legacy_login: legacy }: Input, warn: Report): void {
  for (const [index, url] of (legacy?.trusted_redirects ?? []).entries()) {
    if (url === undefined || !isPlainHttpAbroad(url)) continue;
    warn(
      ['legacy_login', 'trusted_redirects', index],
      'is http on a host that is not loopback: login tokens travel unencrypted, and people are not asked first',
      'Write https://…, or remove it: people are then warned before they continue.',
    );
  }
  const isOff = legacy?.sso === false && (legacy.password ?? false) === false;
  if (mode !== 'passthrough' && oauthApi === false && isOff) {
    warn(['oauth_api'], 'is off, and so is legacy login: nobody can sign in', 'Enable one of them.');
  }
}

function warnOfPasswords({ legacy_login: legacy }: Input, warn: Report): void {
  const password = legacy?.password ?? false;
  if (password === false) return;
  const limited = password !== true && password.allow_users !== undefined;
  warn(
    ['legacy_login', 'password'],
    `is on: passwords${limited ? '' : ' of everybody'} pass through this service, and second factors do not apply (RFC 9700 section 2.4)`,
    limited
      ? 'Write `false` as soon as their clients no longer need it.'
      : 'List the users who need it in `allow_users`, or write `false`.',
  );
}
