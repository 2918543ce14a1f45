/** Whether the routes of session management that are ours reach us where clients ask for them: at the homeserver's URL. */
import { endpointUrl } from '../protocol/issuer.ts';
import type { OutboundRequest } from '../outbound/outbound.ts';
import { finding, type Finding } from './finding.ts';
import { look, type Look, type LookContext } from './look.ts';
import { ORIGIN } from './public-url/context.ts';
import { jsonObjectOf } from './wrong-answer.ts';

/** What `GET /login` has to offer, by the configuration. */
export interface OfferedLogin {
  readonly sso: boolean;
  readonly password: boolean;
}

interface Question extends Omit<OutboundRequest, 'url' | 'maxBytes' | 'redirects'> {
  /** Below `_matrix/client/v3/`. */
  readonly path: string;
  readonly status: number;
  readonly errcode?: string;
}

/** Harmless requests, each answered by this service itself; nothing is stored, no password is tried. */
function questions({ sso, password }: OfferedLogin): Question[] {
  return [
    sso || password
      ? { path: 'login', status: 200 }
      : { path: 'login', status: 404, errcode: 'M_UNRECOGNIZED' },
    {
      path: 'refresh',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"refresh_token":"gatehouse doctor"}',
      status: 401,
      errcode: 'M_UNKNOWN_TOKEN',
    },
    { path: 'logout', method: 'POST', status: 401, errcode: 'M_MISSING_TOKEN' },
    { path: 'logout/all', method: 'POST', status: 401, errcode: 'M_MISSING_TOKEN' },
  ];
}

/** Asks all of them at once. What cannot be reached at all is told by others. */
export async function examineSessionRoutes(
  context: LookContext,
  baseUrl: string,
  offered: OfferedLogin,
): Promise<Finding[]> {
  const judged = await Promise.all(
    questions(offered).map(async (question) => {
      const { path, method, headers, body } = question;
      const answer = await look(context, {
        url: endpointUrl(baseUrl, `_matrix/client/v3/${path}`),
        method,
        headers: { accept: 'application/json', origin: ORIGIN, ...headers },
        body,
      });
      return judgeSessionRoute(question, answer, offered);
    }),
  );
  return judged.flat();
}

function judgeSessionRoute(
  { path, status, errcode }: Pick<Question, 'path' | 'status' | 'errcode'>,
  answer: Look,
  offered: OfferedLogin,
): Finding[] {
  if ('fault' in answer) return [];
  const expected = `our own answer in JSON, status ${status}${errcode === undefined ? '' : ` with ${errcode}`}`;
  const say = (seen: string): Finding[] => [
    finding({
      code: 'homeserver.not_proxied',
      subject: 'homeserver',
      probed: answer.probed,
      expected,
      seen,
      remedy: `Pass /_matrix/client/{r0,v3}/${path} at the homeserver's URL on to this service (docs/reverse-proxy/nginx.md).`,
    }),
  ];
  const read = jsonObjectOf(answer, (each) => each === status);
  if ('wrong' in read) return say(read.wrong.seen);
  if (errcode !== undefined) {
    return read.object['errcode'] === errcode ? [] : say(`status ${status} without ${errcode}`);
  }
  const types = typesOf(read.object['flows']);
  const isOurs =
    types.includes('m.login.sso') === offered.sso && types.includes('m.login.password') === offered.password;
  return isOurs ? [] : say(`other ways to log in than \`legacy_login\` says: ${types.join(', ') || 'none'}`);
}

function typesOf(flows: unknown): string[] {
  if (!Array.isArray(flows)) return [];
  return flows.flatMap((flow: unknown) => {
    const type = (flow as { type?: unknown } | null)?.type;
    return typeof type === 'string' ? [type.slice(0, 100)] : [];
  });
}
