/** Whether every kind of path reaches this service, and its refusals come back as they were sent. */
import { endpointUrl } from '../../protocol/issuer.ts';
import { isMarkup } from '../../outbound/answers.ts';
import type { OutboundRequest } from '../../outbound/outbound.ts';
import type { Finding } from '../finding.ts';
import { look, type Look } from '../look.ts';
import { jsonObjectOf, wrongAnswer } from '../wrong-answer.ts';
import { judgeOrigin } from './cross-origin.ts';
import { ORIGIN, publicFinding, wrongPublicFinding, type PublicContext } from './context.ts';

interface Question extends Omit<OutboundRequest, 'url' | 'maxBytes' | 'redirects'> {
  /** Below the public URL. */
  readonly path: string;
  /** The statuses of our answer. */
  readonly statuses: readonly number[];
  /** A member of our answer. */
  readonly member: string;
  /** Web clients of other origins read it. */
  readonly shared?: boolean;
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** Harmless requests, each refused by this service itself in JSON; nothing is stored. */
function questions({ providerIds }: PublicContext): Question[] {
  return [
    { path: 'oauth2/jwks', statuses: [200], member: 'keys', shared: true },
    { path: 'oauth2/authorize', statuses: [400], member: 'error' },
    {
      path: 'oauth2/token',
      method: 'POST',
      headers: form,
      body: 'grant_type=authorization_code',
      statuses: [400, 401],
      member: 'error',
      shared: true,
    },
    { path: 'oauth2/token', statuses: [405], member: 'error', shared: true },
    {
      path: 'oauth2/registration',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"redirect_uris":"gatehouse doctor"}',
      statuses: [400, 429],
      member: 'error',
      shared: true,
    },
    ...providerIds.map((id) => ({
      path: `upstream/${id}/callback`,
      statuses: [400],
      member: 'error',
    })),
  ];
}

/** Asks all of them at once. */
export async function examineRoutes(context: PublicContext): Promise<Finding[]> {
  const judged = await Promise.all(
    questions(context).map(async (question) => {
      const { path, method, headers, body } = question;
      const answer = await look(context, {
        url: endpointUrl(context.publicUrl, path),
        method,
        headers: { accept: 'application/json', origin: ORIGIN, ...headers },
        body,
      });
      return judgeRoute(question, answer);
    }),
  );
  return judged.flat();
}

/** Judges an answer that only this service gives. */
export function judgeRoute(
  question: Pick<Question, 'statuses' | 'member' | 'shared'>,
  answer: Look,
): Finding[] {
  const expected = `our own answer in JSON, status ${question.statuses.join(' or ')}`;
  const replaced = replacedFinding(question, answer, expected);
  if (replaced !== undefined) return [replaced];
  const read = jsonObjectOf(answer, (status) => question.statuses.includes(status));
  if ('wrong' in read) return [wrongPublicFinding(answer, read.wrong, expected)];
  if (read.object[question.member] === undefined) {
    const wrong = {
      kind: 'status',
      status: 404,
      seen: `JSON without the member ${question.member}`,
    } as const;
    return [wrongPublicFinding(answer, wrong, expected)];
  }
  return question.shared === true ? judgeOrigin(read.answered) : [];
}

/** The status is ours and the body is a page: the proxy puts its own error pages in place of our answers. */
function replacedFinding(
  { statuses }: Pick<Question, 'statuses'>,
  answer: Look,
  expected: string,
): Finding | undefined {
  if ('fault' in answer || answer.answer.status < 400 || !statuses.includes(answer.answer.status)) {
    return undefined;
  }
  const ours = !isMarkup(answer.answer) && wrongAnswer(answer, () => true) === undefined;
  if (ours) return undefined;
  return publicFinding({
    code: 'public_url.errors_replaced',
    probed: answer.probed,
    expected,
    seen: `status ${answer.answer.status} with another body than ours`,
    remedy:
      'Let the reverse proxy pass error answers on as they are (proxy_intercept_errors off, no custom error pages).',
  });
}

/** An unknown path of the client-server API: clients tell what a server can do by the errcode (`M_UNRECOGNIZED`). */
export async function examineUnknownPath(context: PublicContext): Promise<Finding[]> {
  const url = endpointUrl(context.publicUrl, '_matrix/client/v1/gatehouse_doctor');
  const answer = await look(context, { url, headers: { accept: 'application/json', origin: ORIGIN } });
  const read = jsonObjectOf(answer, () => true);
  if (!('wrong' in read) && typeof read.object['errcode'] === 'string') return [];
  return [
    publicFinding({
      code: 'public_url.unknown_path',
      probed: answer.probed,
      expected: 'status 404 with the errcode M_UNRECOGNIZED in JSON',
      seen: 'wrong' in read ? read.wrong.seen : 'JSON without an errcode',
      remedy:
        'Pass everything below /_matrix on to this service or the homeserver, and leave 404 answers as they are.',
    }),
  ];
}
