/** Rules about the issuers of the providers, and about where the providers are. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { bareHost, createAddressPolicy } from '../protocol/addresses.ts';
import type { KeyPath, Report } from './fault.ts';
import type { ConfigInput, DeepPartial } from './schema.ts';

type Input = DeepPartial<ConfigInput>;
type ProviderInput = NonNullable<NonNullable<Input['providers']>[number]>;

/** Reports issuers that no document of the provider can have, one that stands there twice, and addresses that are not allowed. */
export function checkIssuers({ providers = [] }: Input, report: Report): void {
  for (const [index, provider] of providers.entries()) {
    if (provider === undefined) continue;
    const path = ['providers', index];
    checkIssuer(provider, path, report);
    checkAddresses(provider, path, report);
    const twin = twinOf(provider, providers.slice(0, index));
    if (twin === undefined) continue;
    report(
      [...path, 'issuer'],
      `is that of the provider ${JSON.stringify(twin.id ?? '')} too, and people are known by their issuer`,
      'Leave one; to offer several ways into one provider, give each entry `authorization_parameters` of its own.',
    );
  }
}

/** Warns of an issuer that looks like a Keycloak realm's with a slash too many, if the product is not said. */
export function warnOfIssuers({ providers = [] }: Input, warn: Report): void {
  for (const [index, provider] of providers.entries()) {
    const { issuer = '', preset } = provider ?? {};
    if (preset === 'keycloak' || !/\/realms\/[^/]+\/+$/.test(issuer)) continue;
    warn(
      ['providers', index, 'issuer'],
      'ends with a slash, and looks like that of a Keycloak realm, which does not',
      `If it is Keycloak, write \`issuer: ${withoutSlash(issuer)}\` and \`preset: keycloak\`.`,
    );
  }
}

function checkIssuer({ issuer, preset }: ProviderInput, path: KeyPath, report: Report): void {
  if (issuer === undefined) return;
  const documented =
    /^(.*?)\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(?:\/(.*))?$/i.exec(issuer);
  if (documented !== null) {
    const [, before = '', after = ''] = documented;
    const meant = after === '' ? before : `${before}/${after}`;
    report([...path, 'issuer'], 'is the URL of a discovery document', `Write the issuer: ${meant}`);
  } else if (preset === 'keycloak' && issuer.endsWith('/')) {
    report(
      [...path, 'issuer'],
      'ends with a slash; the issuer of a Keycloak realm does not',
      `Write ${withoutSlash(issuer)}`,
    );
  }
}

/** An earlier entry for the same provider, however its issuer is written. One that leads into the provider in another way is none. */
function twinOf(
  { issuer, authorization_parameters: parameters = {} }: ProviderInput,
  earlier: readonly (ProviderInput | undefined)[],
): ProviderInput | undefined {
  if (issuer === undefined) return undefined;
  return earlier.find((other) => {
    if (other?.issuer === undefined || plainIssuer(other.issuer) !== plainIssuer(issuer)) return false;
    return isDeepStrictEqual(other.authorization_parameters ?? {}, parameters);
  });
}

function plainIssuer(issuer: string): string {
  return withoutSlash(URL.parse(issuer)?.href ?? issuer);
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/+$/, '');
}

/** Where a URL names a private address itself. Where a host name leads is known when it is looked up, as the doctor does. */
function checkAddresses(provider: ProviderInput, path: KeyPath, report: Report): void {
  const allowed = (provider.allow_addresses ?? []).filter((each) => each !== undefined);
  const policy = createAddressPolicy({ loopback: true, allowed });
  for (const [key, text] of askedUrls(provider)) {
    const url = typeof text === 'string' ? URL.parse(text) : null;
    const host = url === null ? '' : bareHost(url);
    if (isIP(host) === 0 || policy.allows(host)) continue;
    report(
      [...path, ...key],
      `is at ${host}, which is no public address`,
      `If that is right, add \`allow_addresses: ["${host}"]\` to the provider.`,
    );
  }
}

/** The URLs that the configuration names and that are asked. */
function askedUrls({ issuer, discovery }: ProviderInput): [KeyPath, unknown][] {
  const isIssuerAsked = discovery?.method !== 'none' && discovery?.url === undefined;
  const urls: [KeyPath, unknown][] = [
    [['issuer'], isIssuerAsked ? issuer : undefined],
    [['discovery', 'url'], discovery?.url],
  ];
  for (const [member, url] of Object.entries(discovery?.overrides ?? {})) {
    if (/_endpoint$|^jwks_uri$/.test(member)) urls.push([['discovery', 'overrides', member], url]);
  }
  return urls;
}
