/**
 * Whether the token endpoint knows us: a code that cannot exist is presented with our credentials. A server looks at the client first
 * (RFC 6749 section 4.1.3), so `invalid_grant` says that they are accepted. Nothing is issued.
 */
import { chooseAuthMethod, createClientAuthentication } from '../../upstream/login/client-authentication.ts';
import { isJsonAnswer, isMarkup } from '../../outbound/answers.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import { signsSecret } from '../../upstream/login/signed-secret.ts';
import type { TokenEndpointAuthMethod } from '../../upstream/settings.ts';
import type { Finding } from '../finding.ts';
import { look, type Answered, type Look } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { readObject, wrongAnswer } from '../wrong-answer.ts';
import { providerFinding, slowFinding, wrongAnswerFinding, type ProviderContext } from './context.ts';
import type { Server } from './metadata.ts';

export interface ClientVerdict {
  readonly verdict: ProbeVerdict;
  /** The answer, for its `Date`: no cache holds it. */
  readonly answered?: Answered;
}

/** Presents the impossible code. If we are refused, tries the other way to send a secret, for the remedy. */
export async function examineClient(
  context: ProviderContext,
  server: Server | undefined,
): Promise<ClientVerdict> {
  if (server?.token_endpoint === undefined) {
    return { verdict: { skipped: 'the metadata has no usable token_endpoint' } };
  }
  const method = chooseAuthMethod(server, context.settings);
  const unusable = await keyFault(context, server, method);
  if (unusable !== undefined) return { verdict: [unusable] };
  const answer = await presentCode(context, server, method);
  const outcome = outcomeOf(answer);
  const answered = 'answer' in answer ? { answered: answer } : {};
  switch (outcome.kind) {
    case 'accepted':
      return { verdict: slowFinding(context, answer), ...answered };
    case 'unclear':
      return { verdict: { skipped: outcome.why }, ...answered };
    case 'wrong': {
      const wrong = wrongAnswer(answer, (status) => status >= 400 && status < 500 && status !== 404);
      const known = wrong ?? { kind: 'malformed' as const, seen: outcome.seen };
      return { verdict: [wrongAnswerFinding(context, answer, known, 'token_endpoint')], ...answered };
    }
    case 'grant_refused':
      return { verdict: [grantRefused(context, answer, outcome.seen)], ...answered };
    case 'refused': {
      const other = otherMethod(method);
      const accepted =
        other !== undefined &&
        ['accepted', 'grant_refused'].includes(outcomeOf(await presentCode(context, server, other)).kind);
      const remedy = accepted
        ? `The provider accepts the secret by ${other}: write \`token_endpoint_auth_method: ${other}\` in ${context.place}.`
        : remedyFor(context, method);
      return { verdict: [clientRefused(context, answer, method, outcome.seen, remedy)], ...answered };
    }
  }
}

/** A private key may be sound and not fit its algorithm. */
async function keyFault(
  context: ProviderContext,
  server: Server,
  method: TokenEndpointAuthMethod,
): Promise<Finding | undefined> {
  if (method !== 'private_key_jwt' && !signsSecret(context.settings)) return undefined;
  try {
    await createClientAuthentication(context.settings, context.clock).for(server);
    return undefined;
  } catch (error) {
    return providerFinding(context, {
      code: 'provider.client_refused',
      probed: `${context.place}.client_private_key`,
      expected: `a private key for ${context.settings.authSigningAlg ?? 'RS256'}`,
      seen: error instanceof Error ? error.message : 'a key that cannot be used',
      remedy: `Name the algorithm of the key in \`${context.place}.token_endpoint_auth_signing_alg\`, or make another key.`,
    });
  }
}

type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' | 'grant_refused' | 'wrong'; readonly seen: string }
  | { readonly kind: 'unclear'; readonly why: string };

/** Judges the answer to the impossible code. */
export function outcomeOf(answer: Look): Outcome {
  if ('fault' in answer) return { kind: 'wrong', seen: answer.fault.message };
  const { status } = answer.answer;
  if (isMarkup(answer.answer) || (status >= 300 && status < 400) || status >= 500 || status === 404) {
    return { kind: 'wrong', seen: `status ${status}` };
  }
  const read = isJsonAnswer(answer.answer) ? readObject(answer) : undefined;
  const error = read !== undefined && 'object' in read ? read.object['error'] : undefined;
  const text =
    typeof error === 'string' ? `status ${status}, ${quoteForLog(error, 100)}` : `status ${status}`;
  if (error === 'invalid_grant' || error === 'bad_verification_code') return { kind: 'accepted' };
  if (status === 401 || error === 'invalid_client' || error === 'incorrect_client_credentials') {
    return { kind: 'refused', seen: text };
  }
  if (error === 'unauthorized_client' || error === 'unsupported_grant_type') {
    return { kind: 'grant_refused', seen: text };
  }
  if (typeof error === 'string') {
    return {
      kind: 'unclear',
      why: `the answer to a wrong code (${text}) does not tell whether the client is accepted`,
    };
  }
  return { kind: 'wrong', seen: `${text}, without an OAuth error` };
}

async function presentCode(
  context: ProviderContext,
  server: Server,
  method: TokenEndpointAuthMethod,
): Promise<Look> {
  const { settings, random, redirectUri } = context;
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: `gatehouse-doctor-${random(8).toString('hex')}`,
    redirect_uri: redirectUri,
    code_verifier: random(32).toString('base64url'),
  });
  const headers = new Headers({
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  });
  const authentication = createClientAuthentication({ ...settings, authMethod: method }, context.clock);
  const authenticate = await authentication.for(server);
  await authenticate(server, { client_id: settings.clientId }, body, headers);
  return look(context, {
    url: server.token_endpoint ?? '',
    method: 'POST',
    headers: Object.fromEntries(headers),
    body: body.toString(),
  });
}

function otherMethod(method: TokenEndpointAuthMethod): TokenEndpointAuthMethod | undefined {
  if (method === 'client_secret_basic') return 'client_secret_post';
  return method === 'client_secret_post' ? 'client_secret_basic' : undefined;
}

function clientRefused(
  context: ProviderContext,
  { probed }: Look,
  method: TokenEndpointAuthMethod,
  seen: string,
  remedy: string,
): Finding {
  return providerFinding(context, {
    code: 'provider.client_refused',
    probed: `${probed} with a code that cannot exist`,
    expected: `invalid_grant: the client "${context.settings.clientId}" is known, its credentials (${method}) are right`,
    seen,
    remedy,
  });
}

function remedyFor({ place }: ProviderContext, method: TokenEndpointAuthMethod): string {
  switch (method) {
    case 'none':
      return `Make the client a public one at the provider, or give its secret in \`${place}.client_secret_file\`.`;
    case 'private_key_jwt':
      return `Register the public half of \`${place}.client_private_key\` at the provider, and compare kid and algorithm.`;
    case 'client_secret_basic':
    case 'client_secret_post':
      return `Compare \`${place}.client_id\` and the client secret with those at the provider.`;
  }
}

function grantRefused(context: ProviderContext, { probed }: Look, seen: string): Finding {
  return providerFinding(context, {
    code: 'provider.grant_refused',
    probed: `${probed} with a code that cannot exist`,
    expected: `invalid_grant: the client "${context.settings.clientId}" may use the authorization code grant`,
    seen,
    remedy: 'Allow the authorization code grant (standard flow) for this client at the provider.',
  });
}
