/** What homeserver authors take from the library. */
import { describe, expect, it } from 'vitest';
import { delegatedCapabilities, delegatedVersions, oauthUserInteractive } from '../../src/index.ts';

describe('capabilities', () => {
  it('keep what is the homeserver’s own and deny what is the identity provider’s', () => {
    const own = {
      'm.room_versions': { default: '11', available: {} },
      'm.change_password': { enabled: true },
    };
    expect(delegatedCapabilities(own)).toEqual({
      'm.room_versions': own['m.room_versions'],
      'm.change_password': { enabled: false },
      'm.3pid_changes': { enabled: false },
      'm.get_login_token': { enabled: false },
    });
    expect(own['m.change_password'].enabled).toBe(true);
  });

  it('of one answer are not those of another', () => {
    const one = delegatedCapabilities({});
    Object.assign(one['m.change_password'], { enabled: true });
    expect(delegatedCapabilities({})['m.change_password']).toEqual({ enabled: false });
  });
});

describe('versions', () => {
  it('are the homeserver’s own, with the features that delegation decides', () => {
    const own = {
      versions: ['v1.1', 'v1.12'],
      unstable_features: { 'org.matrix.msc3882': true, 'org.example.other': true },
    };
    expect(delegatedVersions(own)).toEqual({
      versions: ['v1.1', 'v1.12'],
      unstable_features: { 'org.matrix.msc3882': false, 'org.example.other': true },
    });
    expect(delegatedVersions({ versions: ['v1.15'] })).toEqual({
      versions: ['v1.15'],
      unstable_features: { 'org.matrix.msc3882': false },
    });
  });
});

describe('the stage m.oauth', () => {
  it('has both names, and leads to the account page', () => {
    const url = 'https://auth.example.org/account?action=org.matrix.cross_signing_reset';
    expect(
      oauthUserInteractive({ accountManagementUri: 'https://auth.example.org/account', session: 's' }),
    ).toEqual({
      flows: [{ stages: ['m.oauth'] }, { stages: ['org.matrix.cross_signing_reset'] }],
      params: { 'm.oauth': { url }, 'org.matrix.cross_signing_reset': { url } },
      session: 's',
    });
  });

  it('keeps a query that the account page has', () => {
    const { params } = oauthUserInteractive({
      accountManagementUri: 'https://idp.example.org/?tab=account',
      session: 's',
    });
    expect(params['m.oauth']?.url).toBe(
      'https://idp.example.org/?tab=account&action=org.matrix.cross_signing_reset',
    );
  });

  it.each(['javascript:alert(1)', 'not a URL', ''])(
    'refuses %j as the account page',
    (accountManagementUri) => {
      expect(() => oauthUserInteractive({ accountManagementUri, session: 's' })).toThrow(TypeError);
    },
  );
});
