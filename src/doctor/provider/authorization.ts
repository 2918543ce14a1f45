/**
 * Whether the authorization endpoint takes our request: it is asked with `prompt=none` and without cookies, so nobody is signed in. A
 * provider that knows client, redirect URI and scopes sends `login_required` to our redirect URI, or shows its sign-in page.
 */
import { buildAuthorizationUrl } from '../../upstream/login/authorization-url.ts';
import { isMarkup } from '../../outbound/answers.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import type { Facts, Finding } from '../finding.ts';
import { look, redirectTarget, type Answered, type Look } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { providerFinding, type ProviderContext } from './context.ts';
import type { Server } from './metadata.ts';

/** Sends the request as a browser would, once. */
export async function examineAuthorization(
  context: ProviderContext,
  server: Server | undefined,
): Promise<ProbeVerdict> {
  if (server?.authorization_endpoint === undefined) {
    return { skipped: 'the metadata has no usable authorization_endpoint' };
  }
  const { random, settings, redirectUri } = context;
  const url = buildAuthorizationUrl(server, settings, {
    redirectUri,
    state: random(16).toString('base64url'),
    nonce: random(16).toString('base64url'),
    codeVerifier: random(32).toString('base64url'),
    prompt: 'none',
  });
  const answer = await look(context, { url: url.href, headers: { accept: 'text/html' } });
  return judgeAuthorizationAnswer(context, answer);
}

/** Errors that say no more than that nobody is signed in (OpenID Connect Core section 3.1.2.6), or that it is busy. */
const ORDINARY = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
  'temporarily_unavailable',
  'server_error',
];

/** Judges the answer to an authorization request with `prompt=none`. */
function judgeAuthorizationAnswer(context: ProviderContext, answer: Look): ProbeVerdict {
  if ('fault' in answer) {
    return { skipped: `browsers go there, this machine cannot: ${answer.fault.message}` };
  }
  const target = redirectTarget(answer);
  if (target !== undefined) return judgeRedirect(context, answer, target);
  const { status } = answer.answer;
  if (status === 200) return judgePage(context, answer);
  if (status === 403 && isMarkup(answer.answer) && /challenge|cloudflare|captcha/i.test(answer.answer.text)) {
    return { skipped: 'a challenge for browsers is in front of it, which browsers pass' };
  }
  if (status >= 400 && status < 500) return [refusedPage(context, answer)];
  return { skipped: `the answer (status ${status}) tells nothing` };
}

function judgeRedirect(context: ProviderContext, { probed }: Answered, target: URL): ProbeVerdict {
  if (!target.href.startsWith(new URL(context.redirectUri).href)) return [];
  const parameters = new URLSearchParams(target.search === '' ? target.hash.slice(1) : target.search);
  const error = parameters.get('error');
  const description = parameters.get('error_description') ?? '';
  if (error === null || ORDINARY.includes(error) || /prompt/i.test(description)) return [];
  const seen = quoteForLog(description === '' ? error : `${error}: ${description}`, 300);
  return [errorFinding(context, probed, error, seen)];
}

function errorFinding(context: ProviderContext, probed: string, error: string, seen: string): Finding {
  const { settings, place } = context;
  const common = { probed, seen };
  switch (error) {
    case 'invalid_scope':
      return say(context, {
        code: 'provider.scope_refused',
        expected: `the scopes ${settings.scopes.join(' ')} for this client`,
        remedy: `Allow these scopes for the client at the provider, or correct \`${place}.scopes\`.`,
        ...common,
      });
    case 'unauthorized_client':
    case 'unsupported_response_type':
      return say(context, {
        code: 'provider.grant_refused',
        expected: 'the authorization code flow for this client',
        remedy: 'Allow the authorization code grant (standard flow) for this client at the provider.',
        ...common,
      });
    default:
      return say(context, {
        code: 'provider.authorization_refused',
        expected: 'login_required, or the sign-in page',
        remedy: /code_challenge|pkce/i.test(seen)
          ? `Bring PKCE into line: the switch of the client at the provider, and \`${place}.pkce\`.`
          : 'Look for the reason in the log of the provider, and compare the settings of this client there.',
        ...common,
      });
  }
}

/** Some providers show their errors with status 200. */
function judgePage(context: ProviderContext, answer: Answered): ProbeVerdict {
  const { text } = answer.answer;
  const complains =
    /(invalid|mismatch|not (registered|allowed|match))[^<]{0,80}redirect[ _-]?ur[il]|redirect[ _-]?ur[il][^<]{0,80}(invalid|mismatch|not (registered|allowed|match|found))/i;
  return complains.test(text) ? [refusedPage(context, answer)] : [];
}

function refusedPage(context: ProviderContext, { answer, probed }: Answered): Finding {
  const { settings } = context;
  const speaksOfIt = /redirect[ _-]?ur[il]/i.test(answer.text);
  return say(context, {
    code: speaksOfIt ? 'provider.redirect_uri_refused' : 'provider.authorization_refused',
    probed,
    expected: speaksOfIt
      ? `our redirect URI registered for the client "${settings.clientId}"`
      : 'login_required at our redirect URI, or the sign-in page',
    seen: `status ${answer.status}, an error page${speaksOfIt ? ' that speaks of the redirect URI' : ''}`,
    remedy: speaksOfIt
      ? `Register this redirect URI at the provider, byte for byte: ${context.redirectUri}`
      : `Compare \`client_id\` and the redirect URI registered at the provider: ${context.redirectUri}`,
  });
}

function say(context: ProviderContext, facts: Omit<Facts, 'subject'>): Finding {
  return providerFinding(context, facts);
}
