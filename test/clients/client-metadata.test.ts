import { describe, expect, it } from 'vitest';
import { DEVICE_CODE_GRANT, normaliseClientMetadata } from '../../src/clients/client-metadata.ts';
import { OAuthError } from '../../src/protocol/oauth-error.ts';

const sound = {
  client_uri: 'https://example.com/',
  redirect_uris: ['https://example.com/cb'],
  token_endpoint_auth_method: 'none',
};

const rules = { omittedAuthMethod: 'client_secret_basic' } as const;

function refusal(more: Record<string, unknown>): string {
  try {
    normaliseClientMetadata({ ...sound, ...more }, rules);
  } catch (error) {
    if (error instanceof OAuthError) return `${error.code}: ${error.description}`;
    throw error;
  }
  return 'accepted';
}

describe('client metadata', () => {
  it('keeps what is understood, fills in defaults and drops the rest', () => {
    const kept = normaliseClientMetadata(
      {
        ...sound,
        client_name: 'Élan',
        'client_name#de': 'Schwung',
        logo_uri: 'https://cdn.example.com/logo.png',
        tos_uri: 'https://example.com/tos',
        grant_types: ['authorization_code', 'refresh_token', 'password', 'urn:unknown'],
        response_types: ['code', 'token'],
        contacts: ['a@example.com'],
        software_statement: 'eyJ',
        jwks_uri: 'https://example.com/jwks',
        __proto__: { polluted: true },
      },
      rules,
    );
    expect(kept).toEqual({
      client_uri: 'https://example.com/',
      application_type: 'web',
      redirect_uris: ['https://example.com/cb'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      client_name: 'Élan',
      'client_name#de': 'Schwung',
      logo_uri: 'https://cdn.example.com/logo.png',
      tos_uri: 'https://example.com/tos',
    });
  });

  it.each([
    [{ client_uri: undefined }, 'invalid_client_metadata: client_uri is required'],
    [{ client_uri: 'http://example.com/' }, 'invalid_client_metadata: client_uri must be an https URL'],
    [
      { client_uri: 'https://user@example.com/' },
      'invalid_client_metadata: client_uri must hold no user information',
    ],
    [
      { client_uri: 'https://co.uk/' },
      'invalid_client_metadata: client_uri must be on a host name below a public suffix',
    ],
    [
      { client_uri: 'https://192.0.2.1/' },
      'invalid_client_metadata: client_uri must be on a host name below a public suffix',
    ],
    [
      { client_uri: 'https://localhost/' },
      'invalid_client_metadata: client_uri must be on a host name below a public suffix',
    ],
    [{ client_uri: 'javascript:alert(1)' }, 'invalid_client_metadata: client_uri must be an https URL'],
    [{ client_uri: 7 }, 'invalid_client_metadata: client_uri must be a string'],
    [
      { logo_uri: 'https://example.org/l.png' },
      'invalid_client_metadata: logo_uri must be on the host of client_uri or a subdomain of it',
    ],
    [{ tos_uri: 'https://a@example.com/' }, 'invalid_client_metadata: tos_uri must hold no user information'],
    [{ policy_uri: 'http://example.com/' }, 'invalid_client_metadata: policy_uri must be an https URL'],
    [{ client_uri: null }, 'invalid_client_metadata: client_uri is required'],
    [{ redirect_uris: null }, 'invalid_redirect_uri: redirect_uris must be an array of strings'],
    [
      { client_name: 'x'.repeat(256) },
      'invalid_client_metadata: client_name must have at most 255 characters',
    ],
    [
      { client_name: 'a\u202eb' },
      'invalid_client_metadata: client_name must hold no control or invisible characters',
    ],
    [
      { client_name: 'a\nb' },
      'invalid_client_metadata: client_name must hold no control or invisible characters',
    ],
    [
      { client_name: 'a\u200bb' },
      'invalid_client_metadata: client_name must hold no control or invisible characters',
    ],
    [{ application_type: 'desktop' }, 'invalid_client_metadata: application_type must be one of web, native'],
    [
      { grant_types: 'authorization_code' },
      'invalid_client_metadata: grant_types must be an array of strings',
    ],
    [
      { grant_types: ['password'] },
      'invalid_client_metadata: grant_types must contain authorization_code or urn:ietf:params:oauth:grant-type:device_code',
    ],
    [
      { response_types: ['token'] },
      'invalid_client_metadata: response_types must contain code for the grant type authorization_code',
    ],
    [{ redirect_uris: undefined }, 'invalid_redirect_uri: redirect_uris must be an array of strings'],
    [
      { redirect_uris: 'https://example.com/cb' },
      'invalid_redirect_uri: redirect_uris must be an array of strings',
    ],
    [{ redirect_uris: [] }, 'invalid_redirect_uri: redirect_uris must not be empty'],
    [{ redirect_uris: [7] }, 'invalid_redirect_uri: redirect_uris must be an array of strings'],
    [
      { redirect_uris: ['https://example.com/cb', 'https://example.com/cb'] },
      'invalid_redirect_uri: redirect_uris must not name a URI twice',
    ],
    [
      { redirect_uris: Array.from({ length: 11 }, (_, index) => `https://example.com/${String(index)}`) },
      'invalid_redirect_uri: redirect_uris must hold at most 10 URIs',
    ],
    [
      { redirect_uris: ['https://example.com/cb', 'https://example.org/'] },
      'invalid_redirect_uri: redirect_uris[1] must be on the host of client_uri or a subdomain of it',
    ],
  ])('is refused, naming member and rule: %j', (more, expected) => {
    expect(refusal(more)).toBe(expected);
  });

  it.each([
    [undefined, 'client_secret_basic', 'client_secret_basic'],
    [null, 'client_secret_basic', 'client_secret_basic'],
    [undefined, 'none', 'none'],
    ['none', 'client_secret_basic', 'none'],
    ['client_secret_post', 'none', 'client_secret_post'],
    ['private_key_jwt', 'client_secret_basic', 'none'],
    ['tls_client_auth', 'client_secret_basic', 'none'],
  ] as const)(
    'with the authentication method %s, where an omitted one means %s, has %s',
    (sent, omitted, kept) => {
      const input = { ...sound, token_endpoint_auth_method: sent };
      expect(normaliseClientMetadata(input, { omittedAuthMethod: omitted }).token_endpoint_auth_method).toBe(
        kept,
      );
    },
  );

  it('of a device-only client needs neither redirect URIs nor response types', () => {
    const input = {
      client_uri: 'https://example.com/',
      grant_types: [DEVICE_CODE_GRANT, 'refresh_token'],
      token_endpoint_auth_method: 'none',
    };
    expect(normaliseClientMetadata(input, rules)).toMatchObject({
      redirect_uris: [],
      response_types: [],
      grant_types: [DEVICE_CODE_GRANT, 'refresh_token'],
    });
    expect(refusal({ grant_types: ['refresh_token'] })).toContain('grant_types must contain');
  });

  const uris = (count: number, bytes: number): string[] =>
    Array.from({ length: count }, (_, index) => `https://example.com/${index}`.padEnd(bytes, 'x'));
  it.each([
    ['four long redirect URIs', { redirect_uris: uris(4, 2048) }, false],
    ['three long redirect URIs', { redirect_uris: uris(3, 2048) }, true],
    ['ten short redirect URIs', { redirect_uris: uris(10, 500) }, true],
    ['ten longer redirect URIs', { redirect_uris: uris(10, 900) }, false],
    [
      'a hundred localised names',
      Object.fromEntries(uris(100, 200).map((name, tag) => [`client_name#a${tag}`, name])),
      false,
    ],
    [
      'as many characters of three bytes each',
      Object.fromEntries(uris(12, 1).map((_, tag) => [`client_name#a${tag}`, '元'.repeat(250)])),
      false,
    ],
    ['much that is not kept', { jwks: { keys: uris(9, 900) }, software_statement: 'x'.repeat(9000) }, true],
  ])('is kept up to 8 KiB in all: %s', (_what, more, isKept) => {
    expect(refusal(more)).toBe(
      isKept ? 'accepted' : 'invalid_client_metadata: the metadata must have at most 8192 bytes in all',
    );
  });

  it.each([
    'application_type',
    'client_name',
    'logo_uri',
    'tos_uri#de',
    'grant_types',
    'response_types',
    'token_endpoint_auth_method',
  ])('that has null for %s is as if it was left out', (member) => {
    const without = { ...sound, [member]: undefined };
    expect(normaliseClientMetadata({ ...sound, [member]: null }, rules)).toEqual(
      normaliseClientMetadata(without, rules),
    );
  });

  it.each([
    ['client_name#de', 7],
    ['client_name#de', 'x'.repeat(256)],
    ['client_name#ar', 'a\u202eb'],
    ['logo_uri#fr', 'https://example.org/l.png'],
    ['policy_uri#fr', 'http://example.com/'],
    ['tos_uri#en-GB', ['https://example.com/']],
    ['tos_uri#en-GB', 'not a URL'],
  ])('is kept without a localised member that is unsound: %s %j', (member, value) => {
    const kept = normaliseClientMetadata({ ...sound, client_name: 'App', [member]: value }, rules);
    expect(kept).not.toHaveProperty([member]);
    expect(kept).toHaveProperty('client_name', 'App');
  });

  it('accepts the names that people have', () => {
    for (const name of ['Element', 'תקשורת', '元素 X', 'Émile’s app 🙂', '<b>bold</b>']) {
      expect(refusal({ client_name: name })).toBe('accepted');
    }
  });
});
