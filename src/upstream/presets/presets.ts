import { apple } from './apple.ts';
import { authelia } from './authelia.ts';
import { authentik } from './authentik.ts';
import { dex } from './dex.ts';
import { entra } from './entra.ts';
import { generic } from './generic.ts';
import { gitlab } from './gitlab.ts';
import { glewlwyd } from './glewlwyd.ts';
import { google } from './google.ts';
import { kanidm } from './kanidm.ts';
import { keycloak } from './keycloak.ts';
import { lemonldap } from './lemonldap.ts';
import { oauth2 } from './oauth2.ts';
import { oidcProvider } from './oidc-provider.ts';
import { zitadel } from './zitadel.ts';
import { auth0 } from './auth0.ts';
import { cognito } from './cognito.ts';
import { discord } from './discord.ts';
import { nextcloud } from './nextcloud.ts';
import { okta } from './okta.ts';
import { pocketId } from './pocket-id.ts';
import { rauthy } from './rauthy.ts';
import { telegram } from './telegram.ts';
import type { PresetName } from '../../protocol/preset-names.ts';
import type { Preset } from './preset.ts';

/** One for each name. */
const byName: Readonly<Record<PresetName, Preset>> = {
  generic,
  oauth2,
  'oidc-provider': oidcProvider,
  keycloak,
  authentik,
  authelia,
  dex,
  entra,
  gitlab,
  glewlwyd,
  google,
  kanidm,
  lemonldap,
  zitadel,
  auth0,
  cognito,
  discord,
  nextcloud,
  okta,
  'pocket-id': pocketId,
  rauthy,
  apple,
  telegram,
};

/** Every preset by name. */
export const presets: ReadonlyMap<string, Preset> = new Map(Object.entries(byName));
