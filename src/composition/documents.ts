import { assertionAlgorithms } from '../authorization-server/client-authentication/client-assertion.ts';
import type { Config } from '../config/schema.ts';
import {
  facadeDocuments,
  noDocuments,
  passthroughDocuments,
  type PublishedMetadata,
} from '../metadata/published-metadata.ts';
import type { Abilities } from '../metadata/build.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** Whether clients get their tokens here. In passthrough mode they get them from the provider. */
export function offersOAuth(config: Config): boolean {
  return config.oauth_api && config.mode === 'facade';
}

/** The issuer that clients are told. */
export function issuerOf(config: Config): string {
  return config.mode === 'facade' ? config.public_url : (config.providers[0]?.issuer ?? config.public_url);
}

/** The metadata documents of the configured mode. */
export function publishedDocuments(
  { config, providers, clock, homeserver }: Foundation,
  { staticClients }: Pick<Shared, 'staticClients'>,
): PublishedMetadata {
  if (!config.oauth_api) return noDocuments();
  if (config.mode === 'facade') {
    return facadeDocuments({
      issuer: config.public_url,
      cacheControl: cacheControl(config.metadata),
      abilities: () => ({
        ...abilitiesOf(staticClients, providers),
        scopes: config.scopes.map(({ scope }) => scope),
        keyReset: homeserver.listens,
      }),
      onChange: (listener) => {
        for (const provider of providers) provider.onMetadataChange(listener);
      },
    });
  }
  const [provider] = providers;
  const [settings] = config.providers;
  if (provider === undefined || settings === undefined) throw new Error('no provider is configured');
  return passthroughDocuments({ provider, overrides: settings.discovery.overrides, clock });
}

/** What the metadata tells beyond what always works. */
function abilitiesOf(staticClients: Shared['staticClients'], providers: Foundation['providers']): Abilities {
  const clients = [...staticClients.values()].map(({ metadata }) => metadata);
  const hasKeys = clients.some((client) => client.token_endpoint_auth_method === 'private_key_jwt');
  return {
    assertionAlgorithms: hasKeys ? assertionAlgorithms : [],
    clientCredentials: clients.some((client) => client.grant_types.includes('client_credentials')),
    createAccount: providers.every((provider) => provider.createsAccounts()),
  };
}

/** `public`, and what RFC 5861 allows; no `s-maxage`, which would cancel both. */
export function cacheControl(metadata: Config['metadata']): string {
  return [
    'public',
    `max-age=${String(metadata.max_age_seconds)}`,
    `stale-while-revalidate=${String(metadata.stale_while_revalidate_seconds)}`,
    `stale-if-error=${String(metadata.stale_if_error_seconds)}`,
  ].join(', ');
}
