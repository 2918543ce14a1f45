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
import type { Preset } from './preset.ts';

const all: readonly Preset[] = [
  generic,
  oidcProvider,
  keycloak,
  glewlwyd,
  lemonldap,
  dex,
  authentik,
  zitadel,
  authelia,
  kanidm,
  google,
  gitlab,
  entra,
  oauth2,
];

/** Every preset by name. */
export const presets: ReadonlyMap<string, Preset> = new Map(all.map((preset) => [preset.name, preset]));
