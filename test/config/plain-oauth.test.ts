import { expect, test } from 'vitest';
import { faultsOf, withProvider } from './support.ts';

const endpoints = {
  authorization_endpoint: 'https://idp.example.com/authorize',
  token_endpoint: 'https://idp.example.com/token',
  userinfo_endpoint: 'https://idp.example.com/me',
};

/** How many endpoints are missing where none is written, and whether scopes may be without `openid`. */
test.each<[preset: string, missing: number, needsOpenid: boolean]>([
  ['oauth2', 3, false],
  ['discord', 3, false],
  ['nextcloud', 3, false],
  ['okta', 0, true],
  ['auth0', 0, true],
  ['cognito', 0, true],
  ['pocket-id', 0, true],
  ['rauthy', 0, true],
])('the preset %s lacks %i endpoints, and needs openid: %s', (preset, missing, needsOpenid) => {
  const faults = faultsOf(withProvider({ preset }));
  expect(faults.filter(({ path }) => path.includes('overrides'))).toHaveLength(missing);
  const scoped = { preset, scopes: ['profile'], discovery: { overrides: endpoints } };
  expect(faultsOf(withProvider(scoped))).toHaveLength(needsOpenid ? 1 : 0);
});
