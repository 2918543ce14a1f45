/** Whether the service runs here: its own listeners, asked past the reverse proxy. */
import { endpointUrl } from '../protocol/issuer.ts';
import type { Outbound } from '../outbound/outbound.ts';
import { createOutbound } from '../outbound/outbound.ts';
import { quoteForLog } from '../upstream/login/refusal.ts';
import { finding, type Facts, type Finding } from './finding.ts';
import { look, type Look } from './look.ts';
import { REQUEST_LIMIT_MS, runProbe, type DoctorDeps, type ProbeResult, type ProbeVerdict } from './probe.ts';
import { jsonObjectOf } from './wrong-answer.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ServiceInput {
  readonly publicUrl: string;
  readonly oauthApi: boolean;
  /** What its metadata states. */
  readonly issuer: string;
  /** `undefined`: a Unix socket, which is not asked. */
  readonly listen: Address | undefined;
  readonly operations: Address;
}

export interface ServiceResult {
  readonly probes: readonly ProbeResult[];
  /** Whether anything listens at its address; `undefined` if that cannot be asked. */
  readonly listens: boolean | undefined;
}

/** Asks both listeners. A service that runs elsewhere is no finding here: the public URL tells. */
export async function examineService(deps: DoctorDeps, input: ServiceInput): Promise<ServiceResult> {
  const outbound = createOutbound({
    clock: deps.clock,
    addresses: { allows: () => true },
    allowHttp: true,
    timeoutMs: deps.timeoutMs ?? REQUEST_LIMIT_MS,
  });
  const context = { clock: deps.clock, outbound };
  let listens: boolean | undefined;
  try {
    const probes = await Promise.all([
      runProbe(deps, 'service: listener', async () => {
        const { listen } = input;
        if (listen === undefined) return { skipped: 'it listens on a Unix socket' };
        if (listen.port === 0) return { skipped: 'it listens on any free port' };
        const answer = await askListener(context, listen, input.publicUrl);
        listens = !('fault' in answer && answer.fault.kind === 'connect');
        return input.oauthApi ? judgeListener(answer, input.issuer) : { skipped: 'oauth_api is off' };
      }),
      runProbe(deps, 'service: readiness', async () => {
        const { operations } = input;
        if (operations.port === 0) return { skipped: 'the operations listener is on any free port' };
        return judgeReadiness(await look(context, { url: `${baseOf(operations)}/health/ready` }));
      }),
    ]);
    return { probes, listens };
  } finally {
    await outbound.close();
  }
}

/** The finding for a service that answers nowhere; only the public URL can tell that. */
export function notRunning({ listen }: ServiceInput, file: string): Finding {
  return serviceFinding({
    code: 'service.not_running',
    probed: listen === undefined ? 'listen' : `${listen.host}:${listen.port}`,
    expected: 'the service listening there, or an answer at the public URL',
    seen: 'the connection is refused, and the public URL does not answer either',
    remedy: `Start it: gatehouse serve --config ${file}; then ask the doctor again.`,
  });
}

function askListener(
  context: { clock: DoctorDeps['clock']; outbound: Outbound },
  listen: Address,
  publicUrl: string,
): Promise<Look> {
  const path = new URL(endpointUrl(publicUrl, '.well-known/openid-configuration')).pathname;
  return look(context, { url: baseOf(listen) + path, headers: { accept: 'application/json' } });
}

/** Judges the answer of whatever listens at our address. */
function judgeListener(answer: Look, issuer: string): ProbeVerdict {
  if ('fault' in answer && answer.fault.kind === 'connect') {
    return { skipped: 'nothing listens at this address of this machine' };
  }
  const read = jsonObjectOf(answer, (status) => status === 200 || status === 503);
  if (!('wrong' in read) && (read.answered.answer.status === 503 || read.object['issuer'] === issuer))
    return [];
  const stated = 'wrong' in read ? undefined : read.object['issuer'];
  return [
    serviceFinding({
      code: 'service.foreign',
      probed: answer.probed,
      expected: `this service, with the issuer "${issuer}"`,
      seen:
        'wrong' in read
          ? read.wrong.seen
          : `the issuer "${quoteForLog(typeof stated === 'string' ? stated : '(none)')}"`,
      remedy:
        'Restart the service if its configuration has changed; else another program has its port: change `listen`.',
    }),
  ];
}

/** Judges `/health/ready`. */
export function judgeReadiness(answer: Look): ProbeVerdict {
  if ('fault' in answer) return { skipped: 'the operations listener does not answer on this machine' };
  const read = jsonObjectOf(answer, (status) => status === 200 || status === 503);
  if ('wrong' in read) return { skipped: 'what answers there is not our operations listener' };
  const { status, reasons } = read.object;
  if (status === 'ok') return [];
  const seen = quoteForLog(Array.isArray(reasons) ? reasons.join('; ') : String(status), 500);
  const unavailable = status === 'unavailable';
  return [
    serviceFinding({
      code: unavailable ? 'service.not_ready' : 'service.degraded',
      probed: answer.probed,
      expected: 'status ok',
      seen,
      remedy: unavailable
        ? 'Fix what is named there; until then nobody can sign in.'
        : 'Fix what is named there; the service goes on with the last good documents.',
    }),
  ];
}

function baseOf({ host, port }: Address): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function serviceFinding(facts: Omit<Facts, 'subject'>): Finding {
  return finding({ subject: 'service', ...facts });
}
