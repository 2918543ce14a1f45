/** By what the products are told apart: their issuers, and the paths of their endpoints. Data; the first that fits is taken. */
import { presets } from '../upstream/presets/presets.ts';
import type { Preset } from '../upstream/presets/preset.ts';

interface Shape {
  readonly preset: string;
  /** Enough by itself. */
  readonly issuer?: RegExp;
  /** All of them must fit. */
  readonly members?: Readonly<Record<string, RegExp>>;
}

const shapes: readonly Shape[] = [
  { preset: 'google', issuer: /^https:\/\/accounts\.google\.com\/?$/ },
  {
    preset: 'entra',
    issuer:
      /^https:\/\/(login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)|sts\.windows\.net)\//,
  },
  {
    preset: 'keycloak',
    issuer: /\/realms\/[^/]+\/?$/,
    members: { authorization_endpoint: /\/protocol\/openid-connect\/auth$/ },
  },
  {
    preset: 'authentik',
    issuer: /\/application\/o\/[^/]+\/?$/,
    members: { authorization_endpoint: /\/application\/o\/authorize\/$/ },
  },
  { preset: 'kanidm', issuer: /\/oauth2\/openid\/[^/]+\/?$/ },
  {
    preset: 'gitlab',
    issuer: /^https:\/\/gitlab\.com\/?$/,
    members: { authorization_endpoint: /\/oauth\/authorize$/, jwks_uri: /\/oauth\/discovery\/keys$/ },
  },
  {
    preset: 'zitadel',
    issuer: /\.zitadel\.cloud\/?$/,
    members: {
      authorization_endpoint: /\/oauth\/v2\/authorize$/,
      userinfo_endpoint: /\/oidc\/v1\/userinfo$/,
    },
  },
  { preset: 'auth0', issuer: /^https:\/\/[^/]+\.auth0\.com\/$/ },
  { preset: 'okta', issuer: /^https:\/\/[^/]+\.(okta|oktapreview|okta-emea)\.com(\/|$)/ },
  { preset: 'cognito', issuer: /^https:\/\/cognito-idp\.[^/]+\.amazonaws\.com\// },
  { preset: 'apple', issuer: /^https:\/\/(appleid|account)\.apple\.com\/?$/ },
  { preset: 'telegram', issuer: /^https:\/\/oauth\.telegram\.org\/?$/ },
  { preset: 'discord', issuer: /^https:\/\/discord\.com\/?$/ },
  { preset: 'authelia', members: { authorization_endpoint: /\/api\/oidc\/authorization$/ } },
  {
    preset: 'glewlwyd',
    members: { authorization_endpoint: /\/api\/[^/]+\/auth$/, jwks_uri: /\/api\/[^/]+\/jwks$/ },
  },
  {
    preset: 'lemonldap',
    members: {
      authorization_endpoint: /\/oauth2\/authorize$/,
      jwks_uri: /\/oauth2\/jwks$/,
      end_session_endpoint: /\/oauth2\/logout$/,
    },
  },
  {
    preset: 'dex',
    members: { authorization_endpoint: /\/auth$/, token_endpoint: /\/token$/, jwks_uri: /\/keys$/ },
  },
  {
    preset: 'oidc-provider',
    members: { authorization_endpoint: /\/auth$/, jwks_uri: /\/jwks$/, userinfo_endpoint: /\/me$/ },
  },
];

/** The product that metadata looks like, or, if there is none yet, an issuer alone. `undefined`: none that we know. */
export function recognisePreset(document: Readonly<Record<string, unknown>>): Preset | undefined {
  const fits = (member: string, pattern: RegExp): boolean => {
    const value = document[member];
    return typeof value === 'string' && pattern.test(value);
  };
  const found = shapes.find(({ issuer, members }) => {
    if (issuer !== undefined && fits('issuer', issuer)) return true;
    return (
      members !== undefined && Object.entries(members).every(([member, pattern]) => fits(member, pattern))
    );
  });
  return found === undefined ? undefined : presets.get(found.preset);
}
