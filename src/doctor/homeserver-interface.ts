/** Whether Synapse takes our calls (`matrix_authentication_service`): one question that changes nothing, with the shared secret. */
import { endpointUrl } from '../protocol/issuer.ts';
import { createOutbound } from '../outbound/outbound.ts';
import { finding, type Facts, type Finding } from './finding.ts';
import { look, type Look } from './look.ts';
import { REQUEST_LIMIT_MS, runProbe, type DoctorDeps, type ProbeResult, type ProbeVerdict } from './probe.ts';
import { jsonObjectOf } from './wrong-answer.ts';

export interface InterfaceInput {
  readonly kind: 'none' | 'synapse';
  /** `homeserver.url`: internal. */
  readonly url?: string | undefined;
  readonly secret?: string | undefined;
}

/** Asks whether a localpart is free. */
export async function examineInterface(deps: DoctorDeps, input: InterfaceInput): Promise<ProbeResult> {
  const { kind, url, secret } = input;
  return runProbe(deps, 'homeserver: interface', async () => {
    if (kind === 'none' || url === undefined || secret === undefined) {
      return { skipped: 'the homeserver is never called (kind: none)' };
    }
    const outbound = createOutbound({
      clock: deps.clock,
      // An internal URL that the operator wrote: it may be anywhere, and the configuration has judged its scheme.
      addresses: { allows: () => true },
      allowHttp: true,
      timeoutMs: deps.timeoutMs ?? REQUEST_LIMIT_MS,
    });
    try {
      const answer = await look(
        { clock: deps.clock, outbound },
        {
          url: `${endpointUrl(url, '_synapse/mas/is_localpart_available')}?localpart=gatehouse-doctor`,
          headers: { accept: 'application/json', authorization: `Bearer ${secret}` },
        },
      );
      return judgeInterface(answer);
    } finally {
      await outbound.close();
    }
  });
}

/** 200 or 400 come from the interface itself; 401 and 403 are about the secret; a path that is not there is 404. */
function judgeInterface(answer: Look): ProbeVerdict {
  const expected = 'an answer of its matrix_authentication_service interface';
  const say = (facts: Pick<Facts, 'code' | 'seen' | 'remedy'>): Finding[] => [
    finding({ subject: 'homeserver', probed: answer.probed, expected, ...facts }),
  ];
  const read = jsonObjectOf(answer, (status) => [200, 400].includes(status));
  if (!('wrong' in read)) return [];
  const { seen, status, hint } = read.wrong;
  if (status === 401 || status === 403) {
    const remedy =
      'Give both the same secret: `homeserver.secret` here, `secret` of `matrix_authentication_service` there.';
    return say({ code: 'homeserver.secret_refused', seen, remedy });
  }
  if ('fault' in answer) {
    const remedy = hint ?? 'Let `homeserver.url` be where this machine reaches Synapse.';
    return say({ code: 'homeserver.unreachable', seen, remedy });
  }
  const remedy =
    'Enable `matrix_authentication_service` in homeserver.yaml (Synapse 1.136 or later), and let `homeserver.url` lead to Synapse itself.';
  return say({ code: 'homeserver.interface_missing', seen, remedy });
}
