/** Whether Synapse asks us whose a token is: one request of a Matrix client, with a token that was made for it. And which version it is. */
import { userId } from '../protocol/identifiers.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { createOutbound } from '../outbound/outbound.ts';
import { quoteForLog } from '../upstream/login/refusal.ts';
import { finding, type Facts, type Finding } from './finding.ts';
import type { InterfaceInput } from './homeserver-interface.ts';
import { look, type Look, type LookContext } from './look.ts';
import { REQUEST_LIMIT_MS, runProbe, type DoctorDeps, type ProbeResult, type ProbeVerdict } from './probe.ts';
import { jsonObjectOf } from './wrong-answer.ts';

/** An access token for one question, and whose it is. It has ended when this resolves; without one, why. */
export type WithToken = (
  ask: (token: { readonly accessToken: string; readonly localpart: string }) => Promise<ProbeVerdict>,
) => Promise<ProbeVerdict>;

export interface AccessInput extends InterfaceInput {
  readonly serverName: string;
  /** Where Synapse reaches us, as `endpoint` should have it: for the remedy. */
  readonly publicUrl: string;
  /** Whether the service runs here; `undefined` if that is unknown. */
  readonly listens: boolean | undefined;
  readonly withToken: WithToken;
}

/** The oldest Synapse that has all that we call. */
const OLDEST = [1, 136] as const;

/** Asks for the version, and asks as a client. */
export async function examineAccess(deps: DoctorDeps, input: AccessInput): Promise<ProbeResult[]> {
  const { kind, url, listens } = input;
  const outbound = createOutbound({
    clock: deps.clock,
    // An internal URL that the operator wrote: it may be anywhere, and the configuration has judged its scheme.
    addresses: { allows: () => true },
    allowHttp: true,
    timeoutMs: deps.timeoutMs ?? REQUEST_LIMIT_MS,
  });
  const context = { clock: deps.clock, outbound };
  const probe = (name: string, ask: (url: string) => Promise<ProbeVerdict>): Promise<ProbeResult> =>
    runProbe(deps, `homeserver: ${name}`, async () =>
      kind === 'none' || url === undefined
        ? { skipped: 'the homeserver is never called (kind: none)' }
        : ask(url),
    );
  try {
    return [
      await probe('version', async (base) =>
        judgeVersion(await ask(context, endpointUrl(base, '_synapse/admin/v1/server_version'))),
      ),
      await probe('access token', async (base) => {
        if (listens === false) return { skipped: 'the service does not run' };
        return input.withToken(async ({ accessToken, localpart }) => {
          const answer = await ask(
            context,
            endpointUrl(base, '_matrix/client/v3/account/whoami'),
            accessToken,
          );
          return judgeWhoami(answer, { ...input, localpart });
        });
      }),
    ];
  } finally {
    await outbound.close();
  }
}

function ask(context: LookContext, url: string, accessToken?: string): Promise<Look> {
  return look(context, {
    url,
    headers: {
      accept: 'application/json',
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    },
  });
}

function judgeVersion(answer: Look): ProbeVerdict {
  const read = jsonObjectOf(answer);
  if ('wrong' in read) return { skipped: `it does not tell its version: ${read.wrong.seen}` };
  const { server_version: version } = read.object;
  const numbers = typeof version === 'string' ? /^(\d+)\.(\d+)/.exec(version) : null;
  if (numbers === null) return { skipped: 'it does not tell its version' };
  const [major, minor] = [Number(numbers[1]), Number(numbers[2])];
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [];
  return [
    finding({
      code: 'homeserver.version',
      subject: 'homeserver',
      probed: answer.probed,
      expected: `Synapse ${OLDEST.join('.')} or later`,
      seen: `Synapse ${quoteForLog(String(version), 60)}`,
      remedy: 'Update Synapse: older ones have not all of the interface that is needed.',
    }),
  ];
}

/** 200 names the user; 401 means that whoever Synapse asked does not know the token; 503 that it could not ask; 500 that it knows no such user. */
function judgeWhoami(answer: Look, input: AccessInput & { readonly localpart: string }): ProbeVerdict {
  const user = userId(input.localpart, input.serverName);
  const say = (facts: Pick<Facts, 'code' | 'seen' | 'remedy'>): Finding[] => [
    finding({
      subject: 'homeserver',
      probed: answer.probed,
      expected: `the user ${user}, whose token it is`,
      ...facts,
    }),
  ];
  const read = jsonObjectOf(answer);
  if ('wrong' in read) {
    const { seen, status, hint } = read.wrong;
    if ('fault' in answer) {
      const remedy = hint ?? 'Let `homeserver.url` be where this machine reaches Synapse.';
      return say({ code: 'homeserver.unreachable', seen, remedy });
    }
    if (status === 503) {
      const remedy = `Synapse could not ask whose the token is: let \`endpoint\` of \`matrix_authentication_service\` lead to this service (${input.publicUrl}, or its own address), with the same \`secret\` as \`homeserver.secret\`. A wrong one is told in the log of this service.`;
      return say({ code: 'homeserver.introspection', seen, remedy });
    }
    if (status === 401) {
      const remedy =
        'Synapse asked somebody else: let `endpoint` of `matrix_authentication_service` lead to this service, and this command use its database.';
      return say({ code: 'homeserver.introspection', seen, remedy });
    }
    const remedy = 'Look into the log of Synapse: it has the token, and fails with it.';
    return say({ code: 'homeserver.token_failed', seen, remedy });
  }
  const stated = read.object['user_id'];
  if (stated === user) return [];
  const remedy = 'Write the same name in both: `server_name` here and in homeserver.yaml.';
  const seen = `the user ${quoteForLog(typeof stated === 'string' ? stated : '(none)', 300)}`;
  return say({ code: 'homeserver.server_name', seen, remedy });
}
