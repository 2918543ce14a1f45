/** The way of a client from the server name to the homeserver and to us (client-server API, "Server Discovery"). */
import { endpointUrl } from '../protocol/issuer.ts';
import { createOutbound, type Outbound } from '../outbound/outbound.ts';
import { quoteForLog } from '../upstream/login/refusal.ts';
import { differenceOf } from '../protocol/url-difference.ts';
import { finding, type Facts, type Finding, type FindingCode } from './finding.ts';
import { look, type Answered, type Look } from './look.ts';
import { REQUEST_LIMIT_MS, runProbe, type DoctorDeps, type ProbeResult, type ProbeVerdict } from './probe.ts';
import { ORIGIN } from './public-url/context.ts';
import { examineSessionRoutes, type OfferedLogin } from './session-routes.ts';
import { jsonObjectOf } from './wrong-answer.ts';

export interface HomeserverInput {
  readonly serverName: string;
  /** `homeserver.public_url`; without it nothing is asked. */
  readonly baseUrl: string | undefined;
  readonly allowHttp: boolean;
  /** Our own. */
  readonly publicUrl: string;
  readonly oauthApi: boolean;
  readonly issuer: string;
  /** What `GET /login` has to offer; `undefined` if the routes of session management are not ours. */
  readonly offeredLogin: OfferedLogin | undefined;
}

/** Asks what a client asks. */
export async function examineHomeserver(deps: DoctorDeps, input: HomeserverInput): Promise<ProbeResult[]> {
  const { baseUrl } = input;
  const outbound = createOutbound({
    clock: deps.clock,
    addresses: { allows: () => true },
    allowHttp: input.allowHttp,
    timeoutMs: deps.timeoutMs ?? REQUEST_LIMIT_MS,
    lookup: deps.lookup,
  });
  const context = { clock: deps.clock, outbound };
  const probe = (
    name: string,
    ask: (base: string) => Promise<ProbeVerdict> | ProbeVerdict,
  ): Promise<ProbeResult> =>
    runProbe(deps, `homeserver: ${name}`, () =>
      baseUrl === undefined ? { skipped: 'homeserver.public_url is not set' } : ask(baseUrl),
    );
  try {
    return await Promise.all([
      probe('versions', async (base) =>
        judgeVersions(await askJson(context, endpointUrl(base, '_matrix/client/versions'))),
      ),
      probe('well-known', async (base) =>
        judgeWellKnown(await askJson(context, wellKnownUrl(input.serverName, base)), input, base),
      ),
      probe('auth_metadata', async (base) => {
        if (!input.oauthApi) return { skipped: 'oauth_api is off' };
        if (base.replace(/\/$/, '') === input.publicUrl.replace(/\/$/, '')) {
          return { skipped: 'the homeserver has our public URL, which is asked itself' };
        }
        const url = endpointUrl(base, '_matrix/client/v1/auth_metadata');
        return judgeMetadata(await askJson(context, url), input);
      }),
      probe('session routes', (base) =>
        input.offeredLogin === undefined
          ? { skipped: 'in passthrough they are not ours' }
          : examineSessionRoutes(context, base, input.offeredLogin),
      ),
    ]);
  } finally {
    await outbound.close();
  }
}

function askJson(context: { clock: DoctorDeps['clock']; outbound: Outbound }, url: string): Promise<Look> {
  return look(context, { url, headers: { accept: 'application/json', origin: ORIGIN } });
}

/** On the host of the server name, at the default port of https; if that is the homeserver's own host, as that is reached. */
export function wellKnownUrl(serverName: string, baseUrl: string): string {
  const host = serverName.replace(/:\d+$/, '');
  const base = new URL(baseUrl);
  const origin = base.hostname === host ? base.origin : `https://${host}`;
  return `${origin}/.well-known/matrix/client`;
}

/** Judges `/_matrix/client/versions`: the first thing that clients ask. */
function judgeVersions(answer: Look): ProbeVerdict {
  const expected = 'the versions of the homeserver, status 200';
  const read = jsonObjectOf(answer);
  if ('wrong' in read) {
    const unreachable = 'fault' in answer;
    return [
      homeserverFinding({
        code: unreachable ? 'homeserver.unreachable' : 'homeserver.versions',
        probed: answer.probed,
        expected,
        seen: read.wrong.seen,
        remedy: unreachable
          ? (read.wrong.hint ?? 'Let `homeserver.public_url` be where clients reach the homeserver.')
          : 'Forward /_matrix to the homeserver in the reverse proxy, except for the paths that this service answers.',
      }),
    ];
  }
  const cors = judgeCors(read.answered);
  if (Array.isArray(read.object['versions'])) return cors;
  const remedy = 'Correct `homeserver.public_url`: what answers there is no homeserver.';
  const seen = 'JSON without versions';
  return [homeserverFinding({ code: 'homeserver.versions', probed: answer.probed, expected, seen, remedy })];
}

/** Judges `/.well-known/matrix/client` of the server name. */
export function judgeWellKnown(answer: Look, input: HomeserverInput, baseUrl: string): ProbeVerdict {
  const { probed } = answer;
  const expected = `"m.homeserver": {"base_url": "${baseUrl}"}`;
  const remedy = `Serve this there: {"m.homeserver":{"base_url":"${baseUrl}"}}`;
  const say = (code: FindingCode, seen: string, what = remedy): Finding =>
    homeserverFinding({ code, probed, expected, seen, remedy: what });
  const read = jsonObjectOf(answer);
  if ('wrong' in read) {
    if ('fault' in answer) {
      const what =
        read.wrong.hint ?? `${remedy} Clients that know the name ${input.serverName} alone look there.`;
      return [say('homeserver.well_known_unreachable', read.wrong.seen, what)];
    }
    // Without the file, clients take the server name itself for the homeserver.
    if (read.wrong.status === 404 && new URL(answer.url).host === new URL(baseUrl).host) return [];
    return [say('homeserver.well_known_missing', read.wrong.seen)];
  }
  const { 'm.homeserver': homeserver, 'org.matrix.msc2965.authentication': authentication } = read.object;
  const stated = memberOf(homeserver, 'base_url');
  if (stated === undefined) return [say('homeserver.well_known_missing', 'no base_url of m.homeserver')];
  if (stated.replace(/\/+$/, '') !== baseUrl.replace(/\/+$/, '')) {
    const quoted = quoteForLog(stated, 300);
    const seen = `the base_url "${quoted}": ${differenceOf(baseUrl, quoted)}`;
    const what = `Write the same in both: base_url there and \`homeserver.public_url\` here.`;
    return [say('homeserver.well_known_mismatch', seen, what)];
  }
  const issuer = memberOf(authentication, 'issuer');
  if (issuer !== undefined && issuer !== input.issuer) {
    const quoted = quoteForLog(issuer, 300);
    return [
      homeserverFinding({
        code: 'homeserver.well_known_mismatch',
        probed,
        expected: `the issuer "${input.issuer}" in org.matrix.msc2965.authentication, or no such member`,
        seen: `the issuer "${quoted}": ${differenceOf(input.issuer, quoted)}`,
        remedy: 'Correct the member, or remove it: newer clients ask for auth_metadata instead.',
      }),
    ];
  }
  return judgeCors(read.answered);
}

/** Judges the metadata that clients get at the homeserver: it must be ours. */
function judgeMetadata(answer: Look, input: HomeserverInput): ProbeVerdict {
  const expected = `our metadata, with the issuer "${input.issuer}"`;
  const facts = {
    code: 'homeserver.auth_metadata',
    probed: answer.probed,
    expected,
    remedy: `Pass /_matrix/client/v1/auth_metadata and /_matrix/client/unstable/org.matrix.msc2965/* at the homeserver's URL on to this service.`,
  } as const;
  const read = jsonObjectOf(answer);
  if ('wrong' in read) return [homeserverFinding({ ...facts, seen: read.wrong.seen })];
  const { issuer } = read.object;
  if (issuer === input.issuer) return judgeCors(read.answered);
  const quoted = typeof issuer === 'string' ? quoteForLog(issuer, 300) : '(none)';
  const seen = `the issuer "${quoted}": ${differenceOf(input.issuer, quoted)}`;
  return [homeserverFinding({ ...facts, seen })];
}

function judgeCors({ answer, probed }: Answered): Finding[] {
  const allowed = answer.headers['access-control-allow-origin'];
  if (allowed === '*') return [];
  return [
    homeserverFinding({
      code: 'homeserver.cors',
      probed,
      expected: 'Access-Control-Allow-Origin: *',
      seen:
        allowed === undefined
          ? 'no such header'
          : `Access-Control-Allow-Origin: ${quoteForLog(allowed, 100)}`,
      remedy: 'Send the header exactly once on this answer: web clients cannot read it otherwise.',
    }),
  ];
}

function memberOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const member = (value as Record<string, unknown>)[name];
  return typeof member === 'string' ? member : undefined;
}

function homeserverFinding(facts: Omit<Facts, 'subject'>): Finding {
  return finding({ subject: 'homeserver', ...facts });
}
