/**
 * The remedies of the doctor work: each misbehaving provider is examined, what the finding says is done word for word, and the next visit finds
 * no error any more. What stands in the remedy as configuration is taken from its text.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseDocument, type Document } from 'yaml';
import type { Finding, FindingCode } from '../../src/doctor/finding.ts';
import { selfSigned } from '../upstream/support/certificates.ts';
import { startScriptedServer, type ScriptedServer } from '../upstream/support/scripted-server.ts';
import { startSetUp, type SetUp } from './set-up.ts';

let setUp: SetUp;
let tls: ScriptedServer;
const certificate = selfSigned('localhost');
beforeAll(async () => {
  setUp = await startSetUp();
  tls = await startScriptedServer({ tls: certificate, host: 'localhost' });
  tls.answer(async ({ method, path, headers, body }, response) => {
    const { host: _, 'content-length': __, connection: ___, ...kept } = headers;
    const answer = await fetch(`${setUp.idp.issuer}${path}`, {
      method,
      headers: kept as Record<string, string>,
      redirect: 'manual',
      ...(method === 'POST' ? { body } : {}),
    });
    const rename = (text: string): string =>
      text
        .replaceAll(setUp.idp.issuer, tls.url)
        .replaceAll(encodeURIComponent(setUp.idp.issuer), encodeURIComponent(tls.url));
    const location = answer.headers.get('location');
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'text/plain',
      ...(location === null ? {} : { location: rename(location) }),
    });
    response.end(rename(await answer.text()));
  });
});
const repair = (): void => {
  setUp.proxy.faults = {};
  setUp.idpProxy.faults = {};
  Object.assign(setUp.idp.faults, { discovery: undefined, jwks: undefined, discoveryIssuer: undefined });
};
afterEach(repair);
afterAll(async () => {
  await tls[Symbol.asyncDispose]();
  await setUp[Symbol.asyncDispose]();
});

type Change = (config: Document) => void;

/** The provider's findings that are errors, or of the code that is asked for. */
async function visit(changes: readonly Change[], code?: FindingCode): Promise<Finding[]> {
  const report = await setUp.ask((text) => {
    const config = parseDocument(text);
    for (const change of changes) change(config);
    return config.toString();
  });
  return report.findings.filter(
    (each) =>
      (each.subject === 'provider main' || each.subject === 'configuration') &&
      (each.severity === 'error' || each.code === code),
  );
}

const inProvider =
  (path: string, value: unknown): Change =>
  (config) => {
    config.setIn(['providers', 0, ...path.split('.')], config.createNode(value));
  };

/** Each `key: value` that the remedy says to write in providers[0]. */
function written(remedy: string): Change[] {
  const found = [...remedy.matchAll(/[Ww]rite `(\w+: [^`]+)` in providers\[0\]/g)].map(
    (match) => match[1] ?? '',
  );
  expect(found, remedy).not.toEqual([]);
  return Object.entries(Object.assign({}, ...found.map((line) => parse(line) as object)) as object).map(
    ([key, value]) => inProvider(key, value),
  );
}

/** Each `member: value` that the remedy names for providers[0].discovery.overrides; an endpoint's place is known by who runs the provider. */
function overridden(remedy: string): Change[] {
  const part = /(?:add|not promise it:) (.*)/.exec(remedy)?.[1] ?? '';
  const lines = [
    ...(part.includes('discovery.overrides`:')
      ? (part.split('discovery.overrides`:')[1] ?? '')
      : part
    ).matchAll(/`([a-z_]+: [^`]+)`/g),
  ]
    .map((match) => match[1] ?? '')
    .filter((line) => !line.startsWith('mode:'));
  expect(lines, remedy).not.toEqual([]);
  return lines.map((line) => {
    const [[member, value] = ['', '']] = Object.entries(parse(line) as Record<string, unknown>);
    const path = member.replace('_endpoint', '');
    return inProvider(
      `discovery.overrides.${member}`,
      value === 'https://…' ? `${setUp.idpProxy.origin}/${path}` : value,
    );
  });
}

/** The one place that the remedy names, with a value that only the operator knows. */
const atPlace =
  (value: () => unknown) =>
  (remedy: string): Change[] => {
    const path = /`providers\[0\]\.([\w.]+)`/.exec(remedy)?.[1];
    expect(path, remedy).toBeDefined();
    return [inProvider(path ?? '', value())];
  };

/** The provider is corrected, as the remedy asks. */
const atProvider =
  (words: RegExp) =>
  (remedy: string): Change[] => {
    expect(remedy).toMatch(words);
    repair();
    return [];
  };

interface Misbehaving {
  readonly what: string;
  readonly code: FindingCode;
  readonly plant?: () => void;
  /** The configuration with which the fault shows. */
  readonly config?: readonly Change[];
  readonly follow: (remedy: string) => Change[];
}

const discovery = (members: Record<string, unknown>) => () => {
  setUp.idp.faults.discovery = (document) => {
    const changed: Record<string, unknown> = { ...document, ...members };
    return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
  };
};

/** Changes the query with which the provider sends the browser to our redirect URI. */
const callback = (change: (query: URLSearchParams) => void) => () => {
  setUp.idpProxy.faults.response = ({ headers }) => {
    const location = headers['location'];
    if (typeof location !== 'string' || !location.includes('/upstream/main/callback')) return;
    const url = new URL(location);
    change(url.searchParams);
    headers['location'] = url.href;
  };
};

const rewritten =
  (
    path: string,
    change: (answer: { body: string; headers: Record<string, unknown>; status: number }) => void,
  ) =>
  () => {
    setUp.idpProxy.faults.response = (answer, request) => {
      if (request.path.startsWith(path)) change(answer);
    };
  };

const publicKeys = (): void => {
  setUp.idp.faults.jwks = () => ({ keys: [] });
};
const passthrough: Change = (config) => {
  config.set('mode', 'passthrough');
};

const cases: Misbehaving[] = [
  {
    what: 'publishes a private key',
    code: 'provider.private_key_published',
    plant: () => {
      setUp.idp.faults.jwks = ({ keys }) => ({
        keys: [...(keys as object[]), { kty: 'oct', k: 'c2VjcmV0' }],
      });
    },
    follow: atProvider(/^Take it out of use at the provider at once and make a new key/),
  },
  {
    what: 'has a member with http that is not used',
    code: 'provider.member_ignored',
    plant: discovery({ introspection_endpoint: 'http://keycloak:8080/introspect' }),
    follow: (remedy) => {
      expect(remedy).toContain('`null` there says that it is not to be used');
      return atPlace(() => null)(remedy);
    },
  },
  {
    what: 'has an empty endpoint that is not used',
    code: 'provider.member_ignored',
    plant: discovery({ end_session_endpoint: '' }),
    follow: atPlace(() => null),
  },
  {
    what: 'signs with the client secret alone, and has no keys',
    code: 'provider.algorithm',
    plant: () => {
      discovery({ id_token_signing_alg_values_supported: ['HS256'] })();
      publicKeys();
    },
    follow: written,
  },
  {
    what: 'has an empty key set, and lists HS512',
    code: 'provider.keys_unusable',
    plant: () => {
      discovery({ id_token_signing_alg_values_supported: ['RS256', 'HS512'] })();
      publicKeys();
    },
    follow: written,
  },
  {
    what: 'has an empty key set',
    code: 'provider.keys_unusable',
    plant: publicKeys,
    follow: atProvider(/^Give the provider an asymmetric signing key/),
  },
  {
    what: 'gives another issuer in the callback',
    code: 'provider.callback',
    plant: callback((query) => query.set('iss', 'https://alias.example.com')),
    follow: written,
  },
  {
    what: 'promises iss in the callback and sends none',
    code: 'provider.callback',
    plant: callback((query) => query.delete('iss')),
    follow: overridden,
  },
  {
    what: 'loses the state',
    code: 'provider.callback',
    plant: callback((query) => query.delete('state')),
    follow: atProvider(/^Have the provider send `state` back/),
  },
  {
    what: 'has a certificate of a private authority',
    code: 'provider.tls',
    config: [(config) => inProvider('issuer', tls.url)(config)],
    follow: atPlace(() => {
      writeFileSync(join(dirname(setUp.file), 'ca.pem'), certificate.cert);
      return 'ca.pem';
    }),
  },
  {
    what: 'is behind a proxy that is down',
    code: 'provider.unreachable',
    config: [inProvider('proxy', { url: 'http://127.0.0.1:9' })],
    follow: (remedy) => {
      expect(remedy).toContain('correct `proxy.url`');
      return [(config) => config.deleteIn(['providers', 0, 'proxy'])];
    },
  },
  {
    what: 'has a clock that is two minutes ahead',
    code: 'provider.clock_skew',
    plant: () => {
      setUp.idpProxy.faults.response = ({ headers }) => {
        headers['date'] = new Date(Date.now() + 120_000).toUTCString();
      };
    },
    follow: written,
  },
  {
    what: 'has a clock that is an hour behind',
    code: 'provider.clock_skew',
    plant: () => {
      setUp.idpProxy.faults.response = ({ headers }) => {
        headers['date'] = new Date(Date.now() - 3_600_000).toUTCString();
      };
    },
    follow: (remedy) => {
      expect(remedy).not.toContain('clock_tolerance_seconds');
      return atProvider(/^Set the clock of both machines by NTP/)(remedy);
    },
  },
  {
    what: 'offers form_post alone',
    code: 'provider.response_mode',
    plant: discovery({ response_modes_supported: ['form_post'] }),
    follow: written,
  },
  {
    what: 'does not say that it knows query',
    code: 'provider.response_mode',
    plant: discovery({ response_modes_supported: ['fragment'] }),
    follow: overridden,
  },
  {
    what: 'does not say that it knows the code flow',
    code: 'provider.code_flow',
    plant: discovery({ response_types_supported: ['id_token'] }),
    follow: overridden,
  },
  {
    what: 'does not say that it knows the code grant',
    code: 'provider.code_flow',
    plant: discovery({ grant_types_supported: ['implicit'] }),
    follow: overridden,
  },
  {
    what: 'does not list a scope',
    code: 'provider.scope_unlisted',
    plant: discovery({ scopes_supported: ['openid', 'email'] }),
    follow: written,
  },
  {
    what: 'does not list the claim of the localpart',
    code: 'provider.claim_unlisted',
    plant: discovery({ claims_supported: ['sub', 'auth_time'] }),
    follow: overridden,
  },
  {
    what: 'does not list auth_time',
    code: 'provider.auth_time',
    plant: discovery({ claims_supported: ['sub', 'preferred_username'] }),
    follow: (remedy) => {
      expect(remedy).toContain('add it to `claims_supported` in `providers[0].discovery.overrides`');
      return [inProvider('discovery.overrides.claims_supported', ['sub', 'preferred_username', 'auth_time'])];
    },
  },
  {
    what: 'has no userinfo endpoint',
    code: 'provider.userinfo_missing',
    plant: discovery({ userinfo_endpoint: undefined }),
    follow: written,
  },
  {
    what: 'has a userinfo endpoint with http',
    code: 'provider.endpoint_insecure',
    plant: discovery({ userinfo_endpoint: 'http://idp.example.com/me' }),
    follow: written,
  },
  {
    what: 'answers userinfo with a page',
    code: 'provider.html',
    plant: rewritten('/me', (answer) =>
      Object.assign(answer, { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } }),
    ),
    follow: written,
  },
  {
    what: 'gives userinfo to everybody',
    code: 'provider.userinfo',
    plant: rewritten('/me', (answer) =>
      Object.assign(answer, { status: 200, body: '{}', headers: { 'content-type': 'application/json' } }),
    ),
    follow: written,
  },
  {
    what: 'leaves its keys out of the metadata',
    code: 'provider.endpoint_missing',
    plant: discovery({ jwks_uri: undefined }),
    follow: atPlace(() => `${setUp.idpProxy.origin}/jwks`),
  },
  {
    what: 'is plain OAuth 2.0',
    code: 'provider.endpoint_missing',
    plant: discovery({ jwks_uri: undefined, scopes_supported: ['profile'] }),
    follow: (remedy) => [
      ...written(remedy),
      ...['authorization', 'token', 'userinfo'].map((name) => {
        expect(remedy).toContain(`\`${name}_endpoint\``);
        const path = { authorization: 'auth', token: 'token', userinfo: 'me' }[name] ?? '';
        return inProvider(`discovery.overrides.${name}_endpoint`, `${setUp.idpProxy.origin}/${path}`);
      }),
    ],
  },
  {
    what: 'has a relative endpoint',
    code: 'provider.endpoint_invalid',
    plant: discovery({ token_endpoint: '/token' }),
    follow: atPlace(() => `${setUp.idpProxy.origin}/token`),
  },
  {
    what: 'sends JSON as a page',
    code: 'provider.malformed',
    plant: rewritten('/.well-known', ({ headers }) =>
      Object.assign(headers, { 'content-type': 'text/html' }),
    ),
    follow: atProvider(/send `Content-Type: application\/json`/),
  },
  {
    what: 'has a member twice',
    code: 'provider.malformed',
    plant: rewritten(
      '/.well-known',
      (answer) => (answer.body = answer.body.replace('{', '{"issuer":"twice",')),
    ),
    follow: atProvider(/^Have it corrected at the provider/),
  },
  {
    what: 'has an issuer with a slash',
    code: 'provider.issuer_mismatch',
    plant: () => {
      setUp.idp.faults.discoveryIssuer = `${setUp.idp.issuer}/`;
      callback((query) => query.set('iss', `${setUp.idpProxy.origin}/`))();
    },
    follow: written,
  },
  {
    what: 'lacks what Matrix clients need, in passthrough mode',
    code: 'provider.not_passed_through',
    plant: discovery({ code_challenge_methods_supported: undefined, response_modes_supported: ['query'] }),
    config: [passthrough],
    follow: overridden,
  },
  {
    what: 'does not answer with metadata where they are looked for',
    code: 'provider.status',
    plant: () => {
      setUp.idpProxy.faults.answer = ({ path }) =>
        path.startsWith('/.well-known/openid')
          ? { status: 404, headers: { 'content-type': 'application/json' }, body: '{}' }
          : undefined;
    },
    follow: (remedy) => {
      expect(remedy).toContain('RFC 8414 alone needs `discovery.method: oauth2`');
      return [inProvider('discovery.method', 'oauth2')];
    },
  },
];

describe('a provider that', () => {
  it.each(cases)('$what: the remedy cures it', async ({ code, plant, config = [], follow }) => {
    plant?.();
    const found = await visit(config, code);
    const finding = found.find((each) => each.code === code);
    expect(finding, JSON.stringify(found.map((each) => [each.code, each.seen]))).toBeDefined();
    expect(finding?.seen).not.toBe('');
    const changes = follow(finding?.remedy ?? '');
    expect(await visit([...config, ...changes], code)).toEqual([]);
  });
});

describe('a provider that behaves', () => {
  it.each<[string, () => void]>([
    ['as it should', () => undefined],
    [
      'so, with null for what it has not',
      discovery({ introspection_endpoint: null, claims_supported: null }),
    ],
    [
      'so, with null in its keys',
      () => {
        setUp.idp.faults.jwks = ({ keys }) => ({
          keys: (keys as object[]).map((key) => ({ ...key, d: null, x5c: [] })),
        });
      },
    ],
    [
      'so, with a clock that is a little ahead',
      () => {
        setUp.idpProxy.faults.response = ({ headers }) => {
          headers['date'] = new Date(Date.now() + 45_000).toUTCString();
        };
      },
    ],
    ['so, without a list of claims', discovery({ claims_supported: undefined })],
    [
      'so, without iss in the callback and without a promise',
      () => {
        discovery({ authorization_response_iss_parameter_supported: undefined })();
        callback((query) => query.delete('iss'))();
      },
    ],
  ])('%s has no findings', async (_what, plant) => {
    plant();
    expect(await visit([])).toEqual([]);
  });
});
