/** The doctor finds each of these faults in a set-up of real parts, and says nothing of a sound one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FindingCode } from '../../src/doctor/finding.ts';
import { startSetUp, type SetUp } from './set-up.ts';

let setUp: SetUp;
beforeAll(async () => {
  setUp = await startSetUp();
});
afterEach(() => {
  setUp.proxy.faults = {};
  setUp.idpProxy.faults = {};
  Object.assign(setUp.idp.faults, { discovery: undefined, jwks: undefined });
});
afterAll(() => setUp[Symbol.asyncDispose]());

const metadataPath = '/_matrix/client/v1/auth_metadata';
const html = { 'content-type': 'text/html' };

describe('a sound set-up', () => {
  it('is said to be well, and nothing else', async () => {
    const report = await setUp.ask();
    expect(report.findings).toEqual([]);
    expect(report.exit_code).toBe(0);
    expect(report.probes.filter(({ outcome }) => outcome === 'skipped').map(({ name }) => name)).toEqual([
      'service: readiness',
      'homeserver: auth_metadata',
      'homeserver: interface',
      'homeserver: version',
      'homeserver: access token',
    ]);
    const [provider] = report.providers;
    expect(provider).toEqual({
      id: 'main',
      issuer: setUp.idpProxy.origin,
      preset: 'generic',
      can_sign_in: true,
      pkce: 'S256',
      cache_control: null,
      register: {
        redirect_uri: expect.stringMatching(/\/upstream\/main\/callback$/),
        backchannel_logout_uri: expect.stringMatching(/\/upstream\/main\/backchannel-logout$/),
      },
      last_good: {
        metadata: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        keys: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
    });
  });

  it('gives the same JSON every time', async () => {
    const reports = [await setUp.ask(), await setUp.ask(), await setUp.ask()].map((report) =>
      JSON.stringify(report),
    );
    expect(new Set(reports).size).toBe(1);
  });
});

interface Planted {
  readonly fault: string;
  /** The only findings that there are. */
  readonly codes: readonly FindingCode[];
  /** What the finding shows. */
  readonly seen: RegExp;
  readonly remedy: RegExp;
  readonly plant?: () => void;
  /** Changes the configuration that the doctor reads. */
  readonly change?: (text: string) => string;
}

const planted: readonly Planted[] = [
  {
    fault: 'a slash too many at the end of the issuer',
    codes: ['provider.issuer_mismatch'],
    change: (text) => text.replace(setUp.idpProxy.origin, `${setUp.idpProxy.origin}/`),
    seen: /"http:\/\/127\.0\.0\.1:\d+": it lacks the slash at the end \(from byte \d+ on\)$/,
    remedy: /^Write `issuer: http:\/\/127\.0\.0\.1:\d+` in providers\[0\]/,
  },
  {
    fault: 'an endpoint with http',
    codes: ['provider.endpoint_insecure'],
    plant: () => {
      setUp.idp.faults.discovery = (document) => ({
        ...document,
        token_endpoint: 'http://idp.example.com/token',
      });
    },
    seen: /^token_endpoint \(http:\/\/idp\.example\.com\/token\) is not https$/,
    remedy: /behind https/,
  },
  {
    fault: 'PKCE without S256',
    // The provider then refuses us: it demands PKCE, and the authorization request shows it.
    codes: ['provider.pkce', 'provider.authorization_refused'],
    plant: () => {
      setUp.idp.faults.discovery = (document) => ({
        ...document,
        code_challenge_methods_supported: ['plain'],
      });
    },
    seen: /^plain; sign-in goes without PKCE$/,
    remedy: /S256/,
  },
  {
    fault: 'a path that is not passed on',
    codes: ['public_url.not_proxied'],
    plant: () => {
      setUp.proxy.faults.answer = ({ path }) =>
        path.includes('msc2965')
          ? { status: 404, headers: html, body: '<html><h1>404 Not Found</h1><p>nginx</p></html>' }
          : undefined;
    },
    seen: /^answered 404 with an HTML page/,
    remedy: /^Pass \/_matrix\/client\/unstable\/org\.matrix\.msc2965\/auth_metadata on to this service/,
  },
  {
    fault: 'cross-origin headers taken away',
    codes: ['public_url.cors_missing'],
    plant: () => {
      setUp.proxy.faults.response = ({ headers }, { method, path }) => {
        if (method !== 'OPTIONS' && path === metadataPath) delete headers['access-control-allow-origin'];
      };
    },
    seen: /^no such header$/,
    remedy: /Access-Control/,
  },
  {
    fault: 'a clock that is ten minutes behind',
    codes: ['provider.clock_skew'],
    plant: () => {
      setUp.idpProxy.faults.response = ({ headers }) => {
        headers['date'] = new Date(Date.now() - 600_000).toUTCString();
      };
    },
    seen: /^it is (599|600|601) seconds behind ours$/,
    remedy: /NTP/,
  },
  {
    fault: 'a wrong client secret',
    codes: ['provider.client_refused'],
    change: (text) => text.replace(setUp.idp.clientSecret, 'not-the-secret-of-this-client'),
    seen: /^status 401, invalid_client$/,
    remedy: /providers\[0\]\.client_id.*client secret/,
  },
  {
    fault: 'a challenge for browsers in front of the provider',
    codes: ['provider.html'],
    plant: () => {
      setUp.idpProxy.faults.answer = () => ({
        status: 403,
        headers: { ...html, 'cf-mitigated': 'challenge', server: 'cloudflare' },
        body: '<!doctype html><title>Just a moment...</title><script src="/cdn-cgi/challenge-platform/x"></script>',
      });
    },
    seen: /^answered 403 with an HTML page \(a Cloudflare challenge: exempt this server from it\)/,
    remedy: /^Exempt this server/,
  },
  {
    fault: 'metadata that the proxy rewrites',
    codes: ['public_url.metadata_rewritten'],
    plant: () => {
      setUp.proxy.faults.response = (answer, { path }) => {
        if (/auth_metadata|well-known\/o/.test(path)) {
          answer.body = answer.body.replace(
            /http:\/\/127\.0\.0\.1:\d+\/oauth2\/token/,
            'https://cdn.example.com/token',
          );
        }
      };
    },
    seen: /^token_endpoint is https:\/\/cdn\.example\.com\/token$/,
    remedy: /pass bodies on as they are/,
  },
  {
    fault: 'a redirect in front of the metadata',
    codes: ['public_url.redirect'],
    plant: () => {
      setUp.proxy.faults.answer = ({ path }) =>
        path === metadataPath ? { status: 301, headers: { location: `${path}/` }, body: '' } : undefined;
    },
    seen: /^301, a redirect to http:\/\/127\.0\.0\.1:\d+\/_matrix\/client\/v1\/auth_metadata\/$/,
    remedy: /^Take the redirect out of the reverse proxy/,
  },
  {
    fault: 'a provider that does not know its scheme',
    codes: ['provider.issuer_mismatch'],
    plant: () => {
      setUp.idp.faults.discovery = (document) => ({
        ...document,
        issuer: String(document['issuer']).replace('http:', 'https:'),
      });
    },
    seen: /the scheme differs \(http: and https:\)/,
    remedy: /^Write `issuer: https:/,
  },
  {
    fault: 'an empty key set',
    codes: ['provider.keys_unusable'],
    plant: () => {
      setUp.idp.faults.jwks = () => ({ keys: [] });
    },
    seen: /no usable signing key among its 0/,
    remedy: /signing key/,
  },
];

describe('the doctor finds', () => {
  it.each(planted)('$fault', async ({ codes, seen, remedy, plant, change }) => {
    plant?.();
    const report = await setUp.ask(change);
    expect([...new Set(report.findings.map(({ code }) => code))]).toEqual(codes);
    expect(report.exit_code).toBe(1);
    const [finding] = report.findings;
    expect(finding?.seen).toMatch(seen);
    expect(finding?.remedy).toMatch(remedy);
    for (const each of report.findings) {
      expect(Object.keys(each)).toEqual([
        'code',
        'severity',
        'subject',
        'probed',
        'expected',
        'seen',
        'remedy',
        'docs',
      ]);
      expect(Object.values(each).every((text) => text !== '' && !text.includes('\n'))).toBe(true);
    }
  });

  it('several at once', async () => {
    setUp.idp.faults.jwks = () => ({ keys: [] });
    setUp.proxy.faults.response = ({ headers }) => {
      delete headers['etag'];
    };
    const report = await setUp.ask((text) => text.replace(setUp.idp.clientSecret, 'another-secret'));
    expect(report.findings.map(({ code }) => code)).toEqual([
      'provider.keys_unusable',
      'provider.client_refused',
      'public_url.etag_lost',
    ]);
    expect(report.summary).toMatchObject({ errors: 2, warnings: 1 });
  });
});
