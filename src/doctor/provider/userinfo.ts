/** Whether the userinfo endpoint is what it should be: a token that cannot exist must be refused, by the endpoint itself. */
import { isMarkup } from '../../outbound/answers.ts';
import { look, type Look } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { wrongAnswer } from '../wrong-answer.ts';
import {
  providerFinding,
  slowFinding,
  withoutUserinfo,
  wrongAnswerFinding,
  type ProviderContext,
} from './context.ts';
import type { Server } from './metadata.ts';

/** Presents a token that cannot exist. */
export async function examineUserinfo(
  context: ProviderContext,
  server: Server | undefined,
): Promise<ProbeVerdict> {
  if (!context.settings.fetchUserinfo) return { skipped: 'userinfo is switched off (fetch_userinfo)' };
  if (server?.userinfo_endpoint === undefined) {
    return { skipped: 'the metadata has no usable userinfo_endpoint' };
  }
  const token = `gatehouse-doctor-${context.random(8).toString('hex')}`;
  const answer = await look(context, {
    url: server.userinfo_endpoint,
    headers: { accept: 'application/json', authorization: `Bearer ${token}` },
  });
  return judgeUserinfoAnswer(context, answer);
}

/** Judges the answer to a token that cannot exist. RFC 6750 section 3.1 wants 401; what matters is who refuses. */
function judgeUserinfoAnswer(context: ProviderContext, answer: Look): ProbeVerdict {
  const member = 'userinfo_endpoint';
  if ('fault' in answer) {
    const wrong = wrongAnswer(answer);
    return wrong === undefined ? [] : [wrongAnswerFinding(context, answer, wrong, member)];
  }
  const { status, headers } = answer.answer;
  const refuses = [400, 401, 403].includes(status);
  // Some refuse with a page, and name the scheme in the header all the same.
  if (refuses && (!isMarkup(answer.answer) || headers['www-authenticate'] !== undefined)) {
    return slowFinding(context, answer);
  }
  if (status >= 500) return { skipped: `the answer to a wrong token (status ${status}) tells nothing` };
  const wrong = wrongAnswer(answer, (each) => each >= 200 && each < 300);
  if (wrong !== undefined) return [wrongAnswerFinding(context, answer, wrong, member)];
  return [
    providerFinding(context, {
      code: 'provider.userinfo',
      probed: `${answer.probed} with a token that cannot exist`,
      expected: 'a refusal, status 401',
      seen: `status ${status}`,
      remedy: `Correct userinfo_endpoint at the provider, or in \`${context.place}.discovery.overrides.userinfo_endpoint\`.${withoutUserinfo(context)}`,
    }),
  ];
}
