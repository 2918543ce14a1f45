/** What a browser demands before a web client may read an answer (client-server API, "Web Browser Clients"; Fetch, CORS protocol). */
import { endpointUrl } from '../../protocol/issuer.ts';
import type { Finding } from '../finding.ts';
import { look, type Answered, type Look } from '../look.ts';
import { wrongAnswer } from '../wrong-answer.ts';
import { ORIGIN, publicFinding, wrongPublicFinding, type PublicContext } from './context.ts';

const MISSING_REMEDY =
  'Let the reverse proxy leave the Access-Control headers of this service alone (proxy_hide_header, header rules of a CDN).';

/** Judges the header on an answer that anybody may read. */
export function judgeOrigin({ answer, probed }: Answered): Finding[] {
  const allowed = answer.headers['access-control-allow-origin'];
  if (allowed === '*') return [];
  const expected = 'Access-Control-Allow-Origin: *';
  if (allowed === undefined) {
    const facts = { probed, expected, seen: 'no such header', remedy: MISSING_REMEDY };
    return [publicFinding({ code: 'public_url.cors_missing', ...facts })];
  }
  if (/^\*(\s*,\s*\*)+$/.test(allowed) || allowed.includes(',')) {
    return [
      publicFinding({
        code: 'public_url.cors_doubled',
        probed,
        expected,
        seen: `${allowed}: browsers refuse more than one value`,
        remedy: 'Take the Access-Control headers out of the reverse proxy: this service sends them itself.',
      }),
    ];
  }
  const seen = `Access-Control-Allow-Origin: ${allowed.slice(0, 100)}`;
  return [publicFinding({ code: 'public_url.cors_missing', probed, expected, seen, remedy: MISSING_REMEDY })];
}

/** The preflights that web clients cause: registration sends JSON, and both are of another origin. */
export async function examinePreflights(context: PublicContext): Promise<Finding[]> {
  const answers = await Promise.all(
    ['oauth2/registration', 'oauth2/token'].map((path) =>
      look(context, {
        url: endpointUrl(context.publicUrl, path),
        method: 'OPTIONS',
        headers: {
          origin: ORIGIN,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      }),
    ),
  );
  return answers.flatMap(judgePreflight);
}

/** Judges the answer to a preflight. */
function judgePreflight(answer: Look): Finding[] {
  if ('fault' in answer) {
    const wrong = wrongAnswer(answer);
    return wrong === undefined ? [] : [wrongPublicFinding(answer, wrong, 'an answer to a preflight')];
  }
  const { status, headers } = answer.answer;
  const origin = judgeOrigin(answer);
  const lacks = [
    ...(status < 200 || status > 299 ? [`status ${status}`] : []),
    ...(listHas(headers['access-control-allow-methods'], 'post')
      ? []
      : ['POST is not in Access-Control-Allow-Methods']),
    ...(listHas(headers['access-control-allow-headers'], 'content-type')
      ? []
      : ['Content-Type is not in Access-Control-Allow-Headers']),
  ];
  if (lacks.length === 0) return origin;
  return [
    publicFinding({
      code: 'public_url.preflight',
      probed: answer.probed,
      expected: 'status 204 with Access-Control-Allow-Origin, -Methods and -Headers',
      seen: [...lacks, ...(origin.length > 0 ? ['no usable Access-Control-Allow-Origin'] : [])].join(', '),
      remedy:
        'Let the reverse proxy pass OPTIONS on to this service instead of answering or refusing it itself.',
    }),
  ];
}

function listHas(list: string | undefined, item: string): boolean {
  const items = (list ?? '').split(',').map((each) => each.trim().toLowerCase());
  return items.includes(item) || items.includes('*');
}
