/**
 * Whether the authorization endpoint takes our request: it is asked with `prompt=none` and without cookies, so nobody is signed in. A
 * provider that knows client, redirect URI and scopes sends `login_required` to our redirect URI, or shows its sign-in page.
 */
import { buildAuthorizationUrl } from '../../upstream/login/authorization-url.ts';
import { issuerOfCallback } from '../../upstream/login/id-token.ts';
import { isMarkup } from '../../outbound/answers.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import type { Facts, Finding } from '../finding.ts';
import { look, redirectTarget, type Answered, type Look } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { providerFinding, type ProviderContext } from './context.ts';
import type { Server } from './metadata.ts';

/** Sends the request as a browser would, once. `statedIssuer`: that of the metadata document, if there is one. */
export async function examineAuthorization(
  context: ProviderContext,
  server: Server | undefined,
  statedIssuer: unknown,
): Promise<ProbeVerdict> {
  if (server?.authorization_endpoint === undefined) {
    return { skipped: 'the metadata has no usable authorization_endpoint' };
  }
  const { random, settings, redirectUri } = context;
  const state = random(16).toString('base64url');
  const url = buildAuthorizationUrl(server, settings, {
    redirectUri,
    state,
    nonce: random(16).toString('base64url'),
    codeVerifier: random(32).toString('base64url'),
    prompt: 'none',
  });
  const answer = await look(context, { url: url.href, headers: { accept: 'text/html' } });
  return judgeAuthorizationAnswer(context, { server, state, statedIssuer }, answer);
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
function judgeAuthorizationAnswer(context: ProviderContext, asked: Asked, answer: Look): ProbeVerdict {
  if ('fault' in answer) {
    return { skipped: `browsers go there, this machine cannot: ${answer.fault.message}` };
  }
  const target = redirectTarget(answer);
  if (target !== undefined) {
    if (!target.href.startsWith(new URL(context.redirectUri).href)) return [];
    const parameters = new URLSearchParams(target.search === '' ? target.hash.slice(1) : target.search);
    return judgeParameters(context, asked, answer, parameters);
  }
  const posted = postedParameters(context, answer);
  if (posted !== undefined) return judgeParameters(context, asked, answer, posted);
  const { status } = answer.answer;
  if (status === 200) return judgePage(context, answer);
  if (status === 403 && isMarkup(answer.answer) && /challenge|cloudflare|captcha/i.test(answer.answer.text)) {
    return { skipped: 'a challenge for browsers is in front of it, which browsers pass' };
  }
  if (status >= 400 && status < 500) return [refusedPage(context, answer)];
  return { skipped: `the answer (status ${status}) tells nothing` };
}

interface Asked {
  readonly server: Server;
  readonly state: string;
  /** As the metadata has it; if it is not the configured one, that is told already. */
  readonly statedIssuer: unknown;
}

/** The parameters in a page that has the browser post them to our redirect URI (`response_mode: form_post`); `undefined` if it is another page. */
function postedParameters(
  { settings, redirectUri }: ProviderContext,
  { answer: { text } }: Answered,
): URLSearchParams | undefined {
  if (settings.responseMode !== 'form_post' || !/<form/i.test(text)) return undefined;
  const parameters = new URLSearchParams();
  for (const [input] of text.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, 'name');
    if (name !== undefined) parameters.append(name, attribute(input, 'value') ?? '');
  }
  const action = attribute(/<form\b[^>]*>/i.exec(text)?.[0] ?? '', 'action');
  return action === redirectUri && (parameters.has('error') || parameters.has('code'))
    ? parameters
    : undefined;
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1];
  return value
    ?.replace(/&#x2f;/gi, '/')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&');
}

function judgeParameters(
  context: ProviderContext,
  asked: Asked,
  { probed }: Answered,
  parameters: URLSearchParams,
): ProbeVerdict {
  const findings = judgeCallback(context, asked, probed, parameters);
  const error = parameters.get('error');
  const description = parameters.get('error_description') ?? '';
  if (error === null || ORDINARY.includes(error) || /prompt/i.test(description)) return findings;
  const seen = quoteForLog(description === '' ? error : `${error}: ${description}`, 300);
  return [...findings, errorFinding(context, probed, error, seen)];
}

/** `state` as it was sent (RFC 6749 section 4.1.2), and the issuer if the provider says that it gives it (RFC 9207 section 2). */
function judgeCallback(
  context: ProviderContext,
  { server, state, statedIssuer = server.issuer }: Asked,
  probed: string,
  parameters: URLSearchParams,
): Finding[] {
  const { settings, place } = context;
  const wrong = (expected: string, seen: string, remedy: string): Finding =>
    say(context, { code: 'provider.callback', probed, expected, seen, remedy });
  const findings: Finding[] = [];
  if (parameters.get('state') !== state) {
    const seen = parameters.has('state') ? 'another state' : 'no state';
    const remedy =
      'Have the provider send `state` back as it came, with errors too (RFC 6749 section 4.1.2.1).';
    findings.push(wrong('the state of our request at our redirect URI', seen, remedy));
  }
  const stated = parameters.get('iss');
  const expected = issuerOfCallback(server, settings, stated);
  if (stated !== null && stated !== expected && statedIssuer === server.issuer) {
    const shown = quoteForLog(stated, 300);
    const remedy = `Have the provider send its issuer; if it cannot, write \`issuer_aliases: ["${shown}"]\` in ${place}.`;
    findings.push(wrong(`iss "${expected}" at our redirect URI`, `iss "${shown}"`, remedy));
  }
  if (stated === null && server.authorization_response_iss_parameter_supported === true) {
    const member = 'authorization_response_iss_parameter_supported';
    const remedy = `Have the provider send \`iss\`, or not promise it: \`${member}: false\` in \`${place}.discovery.overrides\`.`;
    findings.push(wrong(`iss at our redirect URI, as ${member} says`, 'no iss', remedy));
  }
  return findings;
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
