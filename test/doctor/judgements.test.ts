/** What cannot be planted on a loopback port in a short time is judged by itself. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { inspectFile } from '../../src/config/load.ts';
import { diagnose, type DiagnosisInput, type Report } from '../../src/doctor/diagnose.ts';
import { differenceOf } from '../../src/protocol/url-difference.ts';
import { finding, mergeFindings } from '../../src/doctor/finding.ts';
import { examineInterface } from '../../src/doctor/homeserver-interface.ts';
import { judgeWellKnown, wellKnownUrl } from '../../src/doctor/homeserver.ts';
import type { Answered, Unanswered } from '../../src/doctor/look.ts';
import { judgeRoute } from '../../src/doctor/public-url/routes.ts';
import { slowPublicFinding } from '../../src/doctor/public-url/context.ts';
import { outcomeOf } from '../../src/doctor/provider/client-authentication.ts';
import { judgeReadiness } from '../../src/doctor/service.ts';
import { OutboundFault } from '../../src/outbound/outbound-fault.ts';
import { writeConfig } from '../cli/run-cli.ts';
import { deps } from './set-up.ts';

function answered(status: number, body: unknown, more: Partial<Answered> = {}): Answered {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' };
  const url = 'https://auth.example.com/path';
  return {
    url,
    probed: `GET ${url}`,
    tookMs: 10,
    answer: { status, headers, text, requestedAt: 0 },
    ...more,
  };
}

const unanswered = (url: string): Unanswered => ({
  url,
  probed: `GET ${url}`,
  tookMs: 5000,
  fault: new OutboundFault('dns', 'example.org cannot be resolved (ENOTFOUND)'),
});

describe('the difference of two issuers', () => {
  it.each([
    [
      'https://a.example',
      'https://a.example/',
      /slash at the end that the expected one lacks \(from byte 18 on\)/,
    ],
    ['https://a.example/', 'https://a.example', /lacks the slash at the end \(from byte 18 on\)/],
    ['https://a.example/x', 'https://a.example/X', /upper and lower case \(from byte 19 on\)/],
    ['https://a.example', 'http://a.example', /the scheme differs \(https: and http:\) \(from byte 5 on\)/],
    ['https://a.example', 'https://b.example', /the host differs \(a\.example and b\.example\)/],
    ['https://a.example', 'https://a.example:8443', /the port differs \(default and 8443\)/],
    ['https://a.example/x', 'https://a.example/y', /the path differs \(\/x and \/y\)/],
    ['https://a.example/x', 'https://a.example:443/x', /mean the same and are written differently/],
    ['https://a.example', ' https://a.example', /white space/],
    ['https://a.example', 'a.example', /it is not a URL/],
    ['https://a.example', 'http://b.example:1/x', /scheme .*, the host .*, the path/],
  ])('%s and %s', (expected, seen, words) => {
    expect(differenceOf(expected, seen)).toMatch(words);
  });
});

describe('a finding', () => {
  const facts = { code: 'provider.tls', subject: 'x', expected: 'e', seen: 's', remedy: 'm' } as const;

  it('is one line in every member', () => {
    const { seen, docs } = finding({ ...facts, probed: 'p', seen: 'two\r\n  lines' });
    expect(seen).toBe('two lines');
    expect(docs).toBe('docs/doctor.md#providertls');
  });

  it('is one where several requests showed the same', () => {
    const merged = mergeFindings(['a', 'b', 'a'].map((probed) => finding({ ...facts, probed })));
    expect(merged.map(({ probed }) => probed)).toEqual(['a, b']);
  });
});

describe('the answer to a code that cannot exist', () => {
  it.each([
    [400, { error: 'invalid_grant' }, 'accepted'],
    [200, { error: 'bad_verification_code' }, 'accepted'],
    [401, { error: 'invalid_client' }, 'refused'],
    [400, { error: 'invalid_client' }, 'refused'],
    [401, { error: 'unauthorized_client' }, 'refused'],
    [200, { error: 'incorrect_client_credentials' }, 'refused'],
    [400, { error: 'unauthorized_client' }, 'grant_refused'],
    [400, { error: 'unsupported_grant_type' }, 'grant_refused'],
    [400, { error: 'invalid_request' }, 'unclear'],
    [200, { access_token: 'x' }, 'wrong'],
    [404, {}, 'wrong'],
    [500, { error: 'server_error' }, 'wrong'],
    [403, '<html>Forbidden</html>', 'wrong'],
    [302, {}, 'wrong'],
  ])('with status %i and %j says that we are %s', (status, body, kind) => {
    expect(outcomeOf(answered(status, body)).kind).toBe(kind);
  });
});

describe('a slow answer', () => {
  it('is told from 2 seconds on', () => {
    expect(slowPublicFinding(answered(200, {}, { tookMs: 1999 }))).toEqual([]);
    expect(slowPublicFinding(answered(200, {}, { tookMs: 2100 }))).toMatchObject([
      { code: 'public_url.slow', seen: 'an answer after 2.1 seconds' },
    ]);
  });
});

describe('a gateway error', () => {
  it('is told from a path that is not passed on', () => {
    const question = { statuses: [400], member: 'error' };
    expect(judgeRoute(question, answered(502, '<html>Bad Gateway</html>'))).toMatchObject([
      { code: 'public_url.bad_gateway' },
    ]);
    expect(judgeRoute(question, answered(404, '<html>Not Found</html>'))).toMatchObject([
      { code: 'public_url.not_proxied' },
    ]);
  });
});

describe('readiness', () => {
  it('that is degraded is a warning with its reasons', () => {
    const reasons = ['provider main: serving the last good documents'];
    expect(judgeReadiness(answered(200, { status: 'degraded', reasons }))).toMatchObject([
      { code: 'service.degraded', severity: 'warning', seen: reasons[0] },
    ]);
    expect(judgeReadiness(answered(200, { status: 'ok' }))).toEqual([]);
    expect(judgeReadiness(answered(200, '<html></html>'))).toHaveProperty('skipped');
    expect(judgeReadiness(unanswered('http://127.0.0.1:9090/health/ready'))).toHaveProperty('skipped');
  });
});

describe('the well-known file', () => {
  const input = {
    serverName: 'example.org',
    baseUrl: 'https://matrix.example.org/',
    allowHttp: false,
    publicUrl: 'https://auth.example.org/',
    oauthApi: true,
    offeredLogin: undefined,
    issuer: 'https://auth.example.org/',
  };

  it('is looked for on the host of the server name', () => {
    expect(wellKnownUrl('example.org:8448', input.baseUrl)).toBe(
      'https://example.org/.well-known/matrix/client',
    );
    expect(wellKnownUrl('localhost', 'http://localhost:8008/')).toBe(
      'http://localhost:8008/.well-known/matrix/client',
    );
  });

  it('that cannot be reached from here is a warning', () => {
    const answer = unanswered('https://example.org/.well-known/matrix/client');
    expect(judgeWellKnown(answer, input, input.baseUrl)).toMatchObject([
      { code: 'homeserver.well_known_unreachable', severity: 'warning' },
    ]);
  });
});

describe('the interface of Synapse', () => {
  it.each([
    ['is sound where it answers', 200, {}, []],
    ['is sound where the localpart is taken', 400, { errcode: 'M_USER_IN_USE' }, []],
    ['does not know our secret', 403, { errcode: 'M_UNKNOWN' }, ['homeserver.secret_refused']],
    ['is not enabled', 404, { errcode: 'M_UNRECOGNIZED' }, ['homeserver.interface_missing']],
  ])('%s', async (_, status, body, codes) => {
    let asked: string | undefined;
    const server = createServer((request, response) => {
      asked = `${request.url ?? ''} ${request.headers.authorization ?? ''}`;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const { findings } = await examineInterface(deps, { kind: 'synapse', url, secret: 'shared-secret' });
    server.close();
    expect(asked).toBe(
      '/_synapse/mas/is_localpart_available?localpart=gatehouse-doctor Bearer shared-secret',
    );
    expect(findings.map(({ code }) => code)).toEqual(codes);
    expect(JSON.stringify(findings)).not.toContain('shared-secret');
  });
});

describe('the database', () => {
  const visit = async (asked: Partial<DiagnosisInput>): Promise<Report> => {
    const { file } = await writeConfig();
    return diagnose(deps, {
      file,
      inspection: inspectFile(file, {}),
      readStored: () => Promise.resolve([]),
      readBacklog: () => Promise.resolve({ entries: 0, oldest: null }),
      withToken: () => () => Promise.resolve({ skipped: 'no token' }),
      ...asked,
    });
  };

  it('that cannot be read is a warning, and nothing is made', async () => {
    const report = await visit({ readStored: () => Promise.reject(new Error('the database is locked')) });
    expect(report.findings.find(({ code }) => code === 'database.unreadable')).toMatchObject({
      severity: 'warning',
      seen: 'the database is locked',
    });
  });

  it.each([
    ['nothing waits', { entries: 0, oldest: null }, 0],
    ['something has waited for a moment', { entries: 3, oldest: deps.clock.now() - 60_000 }, 0],
    ['something has waited for an hour', { entries: 3, oldest: deps.clock.now() - 3_600_000 }, 1],
  ])('tells the homeserver in time, or that is a warning: %s', async (_case, backlog, findings) => {
    const report = await visit({ readBacklog: () => Promise.resolve(backlog) });
    const found = report.findings.filter(({ code }) => code === 'homeserver.outbox_waiting');
    expect(found).toHaveLength(findings);
    for (const { severity, seen } of found) {
      expect(severity).toBe('warning');
      expect(seen).toMatch(/^3 changes .* since \d{4}-/);
    }
  });
});
