/** What clients without OAuth are told that they can log in with. */
import type { Config } from '../config/schema.ts';
import type { LoginOffer, OfferedProvider } from '../matrix-api/login/flows.ts';
import type { LoginMethods } from '../matrix-api/login/methods.ts';
import { presets } from '../upstream/presets/presets.ts';
import { cacheControl } from './documents.ts';

/** Of the methods that there are. */
export function loginOffer(config: Config, methods: LoginMethods): LoginOffer {
  return {
    sso: methods.sso,
    password: methods.password !== undefined,
    hasOAuth: config.oauth_api,
    identityProviders: config.providers.map(offeredProvider),
    cacheControl: cacheControl(config.metadata),
  };
}

function offeredProvider(provider: Config['providers'][number]): OfferedProvider {
  const { id, name = id, icon, brand = presets.get(provider.preset)?.brand } = provider;
  return { id, name, ...(icon === undefined ? {} : { icon }), ...(brand === undefined ? {} : { brand }) };
}
