/** Rules between the keys of a provider, and between providers. */
import type { KeyObject } from 'node:crypto';
import { LOCALPART } from '../protocol/access-rules.ts';
import { discoveryDefaults } from '../protocol/discovery-defaults.ts';
import { asciiLower, isLocalpart } from '../protocol/identifiers.ts';
import { noncelessPresets, plainOAuthPresets, signedSecretPresets } from '../protocol/preset-names.ts';
import { PrivateKeyFault, readCertificate, readPrivateKey } from '../protocol/private-key.ts';
import type { KeyPath, Report } from './fault.ts';
import type { ConfigInput, DeepPartial } from './schema.ts';
import { isPlainHttpAbroad } from './urls.ts';

type Input = DeepPartial<ConfigInput>;
type ProviderInput = NonNullable<NonNullable<Input['providers']>[number]>;
type RuleInput = NonNullable<NonNullable<NonNullable<ProviderInput['access']>['deny']>[number]>;

/** Reports every rule that the providers break. */
export function checkProviders(input: Input, report: Report): void {
  const providers = input.providers ?? [];
  for (const [index, provider] of providers.entries()) {
    if (provider === undefined) continue;
    const path = ['providers', index];
    if (provider.id !== undefined && providers.slice(0, index).some((other) => other?.id === provider.id)) {
      report(
        [...path, 'id'],
        `is ${JSON.stringify(provider.id)}, which is also the id of an earlier provider`,
        'Give each provider its own id.',
      );
    }
    if (provider.issuer !== undefined && provider.issuer === input.public_url) {
      report(
        [...path, 'issuer'],
        'is the `public_url` of this service: sign-in would go in a circle',
        'Write the issuer of the identity provider.',
      );
    }
    checkProviderUrls(provider, path, report);
    checkProviderCredentials(provider, path, report);
    checkProviderScopes(provider, path, report);
    checkProviderEndpoints(provider, input.mode, path, report);
    checkConditions(provider.access ?? {}, [...path, 'access'], report);
    checkProviderTokens(provider, path, report);
    checkProviderProxy(provider, path, report);
    checkProviderNonce(provider, path, report);
    const {
      min_ttl_seconds: floor = discoveryDefaults.minTtl,
      max_ttl_seconds: ceiling = discoveryDefaults.maxTtl,
    } = provider.discovery ?? {};
    if (floor > ceiling) {
      report(
        [...path, 'discovery', 'min_ttl_seconds'],
        `is ${floor}, above \`max_ttl_seconds\` (${ceiling})`,
        'Use a smaller value.',
      );
    }
  }
}

/** Reports faults in the conditions of a provider or a scope. */
export function checkConditions(
  lists: { readonly [L in 'require' | 'deny' | 'admin']?: readonly (RuleInput | undefined)[] | undefined },
  path: KeyPath,
  report: Report,
): void {
  for (const list of ['require', 'deny', 'admin'] as const) {
    for (const [index, rule] of (lists[list] ?? []).entries()) {
      if (rule === undefined) continue;
      checkLocalpartRule(rule, [...path, list, index], report);
      if ((rule.any_of === undefined) !== (rule.domain === undefined)) continue;
      const both = rule.any_of !== undefined;
      report(
        [...path, list, index],
        both ? 'has both `any_of` and `domain`' : 'has neither `any_of` nor `domain`',
        both ? 'Split it into two conditions.' : 'Add the accepted values of the claim: `any_of: […]`.',
      );
    }
  }
}

/** A condition on the final localpart that nobody can meet would refuse everybody, or nobody. */
function checkLocalpartRule(rule: RuleInput, path: KeyPath, report: Report): void {
  if (rule.claim !== LOCALPART) return;
  if (rule.domain !== undefined) {
    report(
      [...path, 'domain'],
      'is a condition on the localpart, which has no domain',
      'Write `claim: email`.',
    );
  }
  for (const [index, value] of (rule.any_of ?? []).entries()) {
    if (value === undefined || isLocalpart(asciiLower(String(value)))) continue;
    const problem = `is ${JSON.stringify(value)}, which is not a localpart`;
    const remedy =
      'Write the part of the user ID between `@` and `:`. For prefixes of names use `reserved_localparts`.';
    report([...path, 'any_of', index], problem, remedy);
  }
}

function checkProviderTokens({ tokens }: ProviderInput, path: KeyPath, report: Report): void {
  if (tokens === undefined) return;
  const { strategies = ['jwt'], jwt, introspection, tokeninfo } = tokens;
  const at = (...keys: string[]): KeyPath => [...path, 'tokens', ...keys];
  if (strategies.includes('tokeninfo') && tokeninfo?.url === undefined) {
    const example = 'Add `url: https://idp.example.com/tokeninfo?access_token=`.';
    report(at('tokeninfo', 'url'), 'is missing; the strategy `tokeninfo` needs it', example);
  }
  if (introspection?.mode === 'get' && !/\?.*=$/.test(introspection.url ?? '')) {
    report(
      at('introspection', 'url'),
      'does not end with the name of a parameter, but `mode: get` appends the token to it',
      'Write `url: https://idp.example.com/introspect?token=`.',
    );
  }
  if (jwt?.key_directory === undefined && jwt?.algorithms?.some((name) => name?.startsWith('HS')) === true) {
    report(
      at('jwt', 'algorithms'),
      'contains an algorithm with a shared secret, but there is no `key_directory` with the secret',
      'Remove it, or add `key_directory`.',
    );
  }
  if (introspection?.force === true && !strategies.includes('introspection')) {
    report(
      at('introspection', 'force'),
      'is on, but `introspection` is not one of the strategies',
      'Write `strategies: [jwt, introspection]`.',
    );
  }
}

function checkProviderProxy({ proxy, proxy_url: short }: ProviderInput, path: KeyPath, report: Report): void {
  if (proxy === undefined) return;
  if (proxy.url !== undefined && short !== undefined) {
    report([...path, 'proxy', 'url'], 'is set in addition to `proxy_url`', 'Remove one of the two.');
  }
  if (proxy.url === undefined && short === undefined) {
    report([...path, 'proxy', 'url'], 'is missing', 'Add `url: http://proxy.example.com:3128`.');
  }
  if ((proxy.password ?? proxy.password_file) !== undefined && proxy.username === undefined) {
    report([...path, 'proxy', 'username'], 'is missing, but a password is set', 'Add `username`.');
  }
}

/** OpenID Connect Core section 15.5.2, RFC 9700 section 2.1.1: one of the two must bind the code to the sign-in. */
function checkProviderNonce({ nonce, pkce, preset }: ProviderInput, path: KeyPath, report: Report): void {
  if (plainOAuthPresets.has(preset ?? '')) return;
  const isLeftOut = noncelessPresets.has(preset ?? '');
  if (nonce === undefined && isLeftOut && pkce !== undefined && pkce !== 'always') {
    const problem = `is ${pkce}, and with \`preset: ${preset ?? ''}\` there is no nonce: a stolen code could be used in another sign-in`;
    report([...path, 'pkce'], problem, 'Remove it, or write `pkce: always`.');
  }
  if (nonce !== false || (pkce ?? (isLeftOut ? 'always' : 'auto')) === 'always') return;
  report(
    [...path, 'nonce'],
    `is false, and \`pkce\` is ${pkce ?? 'auto'}: a stolen code could be used in another sign-in`,
    'Write `pkce: always` if the provider supports PKCE with S256; otherwise remove `nonce`.',
  );
}

function checkProviderUrls(provider: ProviderInput, path: KeyPath, report: Report): void {
  if (provider.allow_http === true) return;
  const urls: [KeyPath, unknown][] = [
    [['issuer'], provider.issuer],
    [['discovery', 'url'], provider.discovery?.url],
    ...Object.entries(provider.discovery?.overrides ?? {}).map(([key, url]): [KeyPath, unknown] => [
      ['discovery', 'overrides', key],
      url,
    ]),
  ];
  for (const [key, url] of urls) {
    if (typeof url !== 'string' || !isPlainHttpAbroad(url)) continue;
    report(
      [...path, ...key],
      'is http on a host that is not loopback: codes and secrets would travel unencrypted',
      'Write https://…, or, in a closed network, add `allow_http: true` to the provider.',
    );
  }
}

function checkProviderCredentials(provider: ProviderInput, path: KeyPath, report: Report): void {
  const secretPath = [...path, 'client_secret'];
  const keyPath = [...path, 'client_private_key'];
  const { token_endpoint_auth_method: method, client_private_key: key } = provider;
  const hasSecret = (provider.client_secret ?? provider.client_secret_file) !== undefined;
  const hasKey = (key ?? provider.client_private_key_file) !== undefined;
  checkPrivateKey(provider, path, report);
  if (checkSignedSecret(provider, path, report)) return;
  if (method === undefined) {
    if (hasSecret && hasKey)
      report(keyPath, 'is set in addition to a client secret', 'Remove one of the two.');
    if (hasSecret || hasKey) return;
    const remedy =
      'Add `client_secret_file`, or `token_endpoint_auth_method: none` if the provider issued no secret.';
    report(secretPath, 'is missing', remedy);
    return;
  }
  const needsKey = method === 'private_key_jwt';
  const needsSecret = !needsKey && method !== 'none';
  const useless = `is not used with \`token_endpoint_auth_method: ${method}\``;
  const missing = `is missing; \`token_endpoint_auth_method: ${method}\` needs it`;
  if (needsKey && !hasKey) report(keyPath, missing, 'Add `client_private_key_file`.');
  if (!needsKey && hasKey) report(keyPath, useless, 'Remove it, or write `private_key_jwt`.');
  if (needsSecret && !hasSecret) report(secretPath, missing, 'Add `client_secret_file`.');
  if (!needsSecret && hasSecret) report(secretPath, useless, 'Remove it, or write `client_secret_basic`.');
}

/** Whether the client secret is one that is signed here. */
function checkSignedSecret(provider: ProviderInput, path: KeyPath, report: Report): boolean {
  const { preset = '', client_team_id: team, client_private_key_id: kid } = provider;
  const hasKey = (provider.client_private_key ?? provider.client_private_key_file) !== undefined;
  const isSigned = signedSecretPresets.has(preset) && hasKey;
  if (!isSigned && team !== undefined) {
    const only = [...signedSecretPresets].join(', ');
    report(
      [...path, 'client_team_id'],
      `is only used with \`preset: ${only}\` and a \`client_private_key\``,
      'Remove it.',
    );
  }
  if (!isSigned) return false;
  const needed = `is missing; the client secret of \`preset: ${preset}\` is made of it`;
  if (team === undefined) report([...path, 'client_team_id'], needed, 'Add `client_team_id: ABCDE12345`.');
  if (kid === undefined)
    report([...path, 'client_private_key_id'], needed, 'Add `client_private_key_id: FGHIJ67890`.');
  const useless = 'is not used: the client secret is made of `client_private_key`';
  if (provider.token_endpoint_auth_method !== undefined) {
    report([...path, 'token_endpoint_auth_method'], useless, 'Remove it.');
  }
  if ((provider.client_secret ?? provider.client_secret_file) !== undefined) {
    report([...path, 'client_secret'], useless, 'Remove one of the two.');
  }
  return true;
}

function checkProviderScopes({ scopes, preset }: ProviderInput, path: KeyPath, report: Report): void {
  if (
    scopes === undefined ||
    plainOAuthPresets.has(preset ?? '') ||
    scopes.includes('openid') ||
    scopes.includes(undefined)
  ) {
    return;
  }
  const problem = 'lack `openid`: without it the provider does not say who signed in';
  report([...path, 'scopes'], problem, 'Add `openid`.');
}

/** Without discovery, the endpoints must be configured. */
function checkProviderEndpoints(
  { preset, discovery }: ProviderInput,
  mode: Input['mode'],
  path: KeyPath,
  report: Report,
): void {
  const plain = plainOAuthPresets.has(preset ?? '');
  const method = discovery?.method ?? (plain ? 'none' : 'oidc');
  if (method !== 'none') return;
  if (mode === 'passthrough') {
    report(
      [...path, 'discovery', 'method'],
      "is `none`, but `mode: passthrough` publishes the provider's own document",
      'Write `method: oidc` or `method: oauth2` if the provider has a metadata document, or `mode: facade`.',
    );
  }
  const identity = plain ? 'userinfo_endpoint' : 'jwks_uri';
  for (const member of ['authorization_endpoint', 'token_endpoint', identity]) {
    if (typeof discovery?.overrides?.[member] === 'string') continue;
    report(
      [...path, 'discovery', 'overrides', member],
      'is missing, and discovery is off',
      `Add \`${member}: https://…\` to \`discovery.overrides\`.`,
    );
  }
}

/** Reads the key and its certificate in the same way as the sign-in does. */
function checkPrivateKey(provider: ProviderInput, path: KeyPath, report: Report): void {
  const { client_private_key: text, client_certificate: certificate } = provider;
  let key: KeyObject | undefined;
  try {
    const isForSecret = signedSecretPresets.has(provider.preset ?? '');
    const wanted = isForSecret ? 'ES256' : provider.token_endpoint_auth_signing_alg;
    if (text !== undefined) key = readPrivateKey(text, wanted).key;
  } catch (error) {
    reportKeyFault(error, [...path, 'client_private_key'], report);
    return;
  }
  if (certificate === undefined) return;
  try {
    if (key !== undefined) readCertificate(certificate, key);
    else if (provider.client_private_key_file === undefined) {
      throw new PrivateKeyFault('is not used without `client_private_key`', 'Add `client_private_key_file`.');
    }
  } catch (error) {
    reportKeyFault(error, [...path, 'client_certificate'], report);
  }
}

function reportKeyFault(error: unknown, path: KeyPath, report: Report): void {
  if (!(error instanceof PrivateKeyFault)) throw error;
  report(path, error.message, error.remedy);
}
