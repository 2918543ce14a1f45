/** Mistakes about where a provider is, and which one it is. */
import { describe, expect, test } from 'vitest';
import { faultsOf, inspectText, minimal, provider, withProvider, type Json } from './support.ts';

const idp = 'https://idp.example.com';
const told = (settings: Json): string => JSON.stringify(faultsOf(withProvider(settings)));

describe('a discovery URL given as issuer', () => {
  test.each([
    [`${idp}/.well-known/openid-configuration`, idp],
    [`${idp}/.well-known/openid-configuration/`, idp],
    [`${idp}/a/.well-known/openid-configuration`, `${idp}/a`],
    [`${idp}/a/.Well-Known/OpenID-Configuration`, `${idp}/a`],
    [`${idp}/.well-known/oauth-authorization-server`, idp],
    [`${idp}/.well-known/oauth-authorization-server/a/b`, `${idp}/a/b`],
    [`${idp}/.well-known/openid-configuration/a`, `${idp}/a`],
  ])('%s is told the issuer in it', (issuer, meant) => {
    expect(told({ issuer })).toContain(
      `"is the URL of a discovery document","remedy":"Write the issuer: ${meant}"`,
    );
  });

  test.each([`${idp}/`, `${idp}/well-known`, `${idp}/a/`, `${idp}/openid-configuration`])(
    '%s is none',
    (issuer) => {
      expect(told({ issuer })).toBe('[]');
    },
  );
});

describe('the issuer of a Keycloak realm', () => {
  test.each([`${idp}/realms/main/`, `${idp}/auth/realms/main/`, `${idp}/realms/main//`])(
    'has no slash at its end: %s',
    (issuer) => {
      const meant = issuer.replace(/\/+$/, '');
      expect(told({ issuer, preset: 'keycloak' })).toContain(`Write ${meant}"`);
      const { faults, warnings } = inspectText(JSON.stringify(withProvider({ issuer })));
      expect(faults).toEqual([]);
      expect(JSON.stringify(warnings)).toContain(`write \`issuer: ${meant}\` and \`preset: keycloak\``);
    },
  );

  test.each<Json>([
    { issuer: `${idp}/realms/main`, preset: 'keycloak' },
    { issuer: `${idp}/realms/main` },
    { issuer: `${idp}/application/o/matrix/` },
    { issuer: `${idp}/realms/` },
  ])('is left alone: %j', (settings) => {
    expect(inspectText(JSON.stringify(withProvider(settings)))).toMatchObject({ faults: [], warnings: [] });
  });
});

describe('one issuer under two ids', () => {
  const two = (first: Json, second: Json): string =>
    JSON.stringify(
      faultsOf(
        minimal({
          providers: [provider({ id: 'one', ...first }), provider({ id: 'other', ...second })],
        }),
      ).map(({ path, problem }) => `${path} ${problem}`),
    );

  test.each<[string, Json, Json]>([
    ['the same', {}, {}],
    ['with a slash', { issuer: idp }, { issuer: `${idp}/` }],
    ['in other letters', { issuer: idp }, { issuer: 'https://IDP.example.com' }],
    ['with the default port', { issuer: `${idp}/a` }, { issuer: `${idp}:443/a` }],
    ['as two clients', { client_id: 'a' }, { client_id: 'b' }],
    [
      'with the same parameters',
      { authorization_parameters: { a: '1' } },
      { authorization_parameters: { a: '1' } },
    ],
  ])('is a fault: %s', (_what, first, second) => {
    expect(two(first, second)).toContain('providers[1].issuer is that of the provider \\"one\\" too');
  });

  test.each<[string, Json, Json]>([
    ['two realms', { issuer: `${idp}/realms/a` }, { issuer: `${idp}/realms/b` }],
    ['http and https', { issuer: 'http://localhost/a' }, { issuer: 'https://localhost/a' }],
    ['another letter case in the path', { issuer: `${idp}/a` }, { issuer: `${idp}/A` }],
    [
      'two ways into one provider',
      { authorization_parameters: { kc_idp_hint: 'github' } },
      { authorization_parameters: { kc_idp_hint: 'google' } },
    ],
  ])('is none: %s', (_what, first, second) => {
    expect(two(first, second)).toBe('[]');
  });
});

describe('a private address', () => {
  const ids = (settings: Json): string[] => faultsOf(withProvider(settings)).map(({ path }) => path);
  const endpoint = 'providers[0].discovery.overrides.token_endpoint';

  test.each<[Json, string]>([
    [{ issuer: 'https://10.0.0.5/' }, 'providers[0].issuer'],
    [{ issuer: 'https://192.168.1.4:8443/realms/a' }, 'providers[0].issuer'],
    [{ issuer: 'https://[fd00::1]/' }, 'providers[0].issuer'],
    [{ issuer: 'https://169.254.169.254/' }, 'providers[0].issuer'],
    [{ issuer: 'https://[::ffff:10.0.0.5]/' }, 'providers[0].issuer'],
    [{ discovery: { url: 'https://172.16.0.1/d' } }, 'providers[0].discovery.url'],
    [{ discovery: { overrides: { token_endpoint: 'https://10.0.0.5/token' } } }, endpoint],
    [{ issuer: 'https://10.0.0.5/', allow_addresses: ['10.0.1.0/24'] }, 'providers[0].issuer'],
  ])('needs the allowance: %j', (settings, path) => {
    const faults = faultsOf(withProvider(settings));
    expect(faults.map((fault) => fault.path)).toEqual([path]);
    expect(faults[0]?.remedy).toMatch(
      /^If that is right, add `allow_addresses: \["[\da-f.:]+"\]` to the provider\.$/,
    );
    const [address = ''] = /(?<=\[").+(?="\])/.exec(faults[0]?.remedy ?? '') ?? [];
    expect(ids({ ...settings, allow_addresses: [address] })).toEqual([]);
  });

  test.each<Json>([
    { issuer: 'https://10.0.0.5/', allow_addresses: ['10.0.0.0/8'] },
    { issuer: 'https://203.0.114.7/' },
    { issuer: 'http://127.0.0.1:8080/' },
    { issuer: 'http://[::1]:8080/' },
    { issuer: 'https://idp.internal/' },
    { issuer: 'https://10.0.0.5/', discovery: { url: `${idp}/d` } },
    { discovery: { overrides: { service_documentation: 'https://10.0.0.5/' } } },
  ])('is none, or allowed: %j', (settings) => {
    expect(ids(settings)).toEqual([]);
  });
});

describe('a value that there is not', () => {
  test.each([
    ['keycloack', 'keycloak'],
    ['Keycloak', 'keycloak'],
    ['key-cloak', 'keycloak'],
    ['autentik', 'authentik'],
    ['azure', 'entra'],
    ['AzureAD', 'entra'],
    ['github', 'oauth2'],
    ['oidc', 'generic'],
    ['pocketid', 'pocket-id'],
    ['zitadell', 'zitadel'],
  ])('of the preset gets "did you mean": %s', (preset, meant) => {
    expect(told({ preset })).toContain(`Did you mean \`preset: ${meant}\`?`);
  });

  test.each(['foo', 'x', 'ping-federate-enterprise'])('of the preset is near no other: %s', (preset) => {
    expect(told({ preset })).toContain('"remedy":"Write one of `generic`');
  });

  test.each<[Json, string]>([
    [{ mode: 'pass-through' }, 'mode: passthrough'],
    [{ log: { level: 'Debug' } }, 'level: debug'],
    [{ homeserver: { kind: 'synaps' } }, 'kind: synapse'],
  ])('of another key gets it too: %j', (more, meant) => {
    expect(JSON.stringify(faultsOf(minimal(more)))).toContain(`Did you mean \`${meant}\`?`);
  });
});
