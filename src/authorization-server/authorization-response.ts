/** How a client is answered at its redirect URI (RFC 6749 section 4.1.2), always with `iss` (RFC 9207). */
import { noStore, type Reply } from '../http/exchange.ts';
import { html } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import type { Words } from '../http/pages/words.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { toDescription } from '../protocol/oauth-error.ts';
import type { SignInDeps, SignInPurpose, TellableError } from '../sign-in/deps.ts';
import { postForm } from '../sign-in/post-form.ts';
import {
  type AuthorizationRequest,
  findAuthorizationCode,
  findAuthorizationRequest,
} from '../storage/records/authorizations.ts';
import { message } from '../texts/message.ts';
import type { ResponseTarget } from './authorization-parameters.ts';
import { authorizationResponseUrl } from '../clients/redirect-uri.ts';

/** What carries an answer to the client: a URL, or a form that the person sends on. */
export type Answer =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'form'; readonly action: string; readonly fields: Readonly<Record<string, string>> };

/** An answer to the client with a code. */
export function codeAnswer(issuer: string, target: ResponseTarget, code: string): Answer {
  return answer(target, { code, state: target.state, iss: issuer });
}

/** An answer to the client with an error (RFC 6749 section 4.1.2.1). */
export function errorAnswer(issuer: string, target: ResponseTarget, error: TellableError): Answer {
  return answer(target, errorParameters(issuer, target, error));
}

/** Sends the browser on with an answer. */
export function sendAnswer(words: Words, sent: Answer): Reply {
  if (sent.kind === 'form') return formPostPage(words, sent.action, sent.fields);
  return { status: 303, headers: { ...noStore, location: sent.url } };
}

/** Where, and how, the client of a stored request wants its answer. */
export function targetOf(stored: AuthorizationRequest): ResponseTarget {
  return { redirectUri: stored.redirect_uri, responseMode: stored.response_mode, state: stored.state };
}

/** After a sign-in for a client comes the consent page; when it fails, the client can be told. */
export function authorizationPurpose(
  deps: Pick<SignInDeps, 'db' | 'clock' | 'issuer' | 'sealer'>,
): SignInPurpose {
  return {
    next: (signIn) => endpointUrl(deps.issuer, `consent/${signIn.id}`),
    isUnused: async (hash) => {
      const code = await findAuthorizationCode(deps.db.query, hash);
      return code !== undefined && code.consumed_at === null && code.expires_at > deps.clock.now();
    },
    wayBack: async (signIn, refusal) => {
      const stored = await findAuthorizationRequest(deps.db.query, deps.sealer, signIn.id);
      if (stored === undefined) return undefined;
      const target = targetOf(stored);
      const { redirectUri, responseMode } = target;
      const parameters = errorParameters(deps.issuer, target, refusal);
      const label = message('action.return-to-app');
      if (responseMode === 'form_post') return { url: redirectUri, fields: fieldsOf(parameters), label };
      return { url: authorizationResponseUrl({ redirectUri, responseMode }, parameters), label };
    },
  };
}

type Parameters = Readonly<Record<string, string | null>>;

function errorParameters(issuer: string, { state }: ResponseTarget, error: TellableError): Parameters {
  return { error: error.code, error_description: toDescription(error.description), state, iss: issuer };
}

function answer({ redirectUri, responseMode }: ResponseTarget, parameters: Parameters): Answer {
  if (responseMode === 'form_post')
    return { kind: 'form', action: redirectUri, fields: fieldsOf(parameters) };
  return { kind: 'url', url: authorizationResponseUrl({ redirectUri, responseMode }, parameters) };
}

/** OAuth 2.0 Form Post Response Mode section 2. Nothing runs on our pages, so the person sends the form on. */
function formPostPage(words: Words, action: string, fields: Readonly<Record<string, string>>): Reply {
  const { say } = words;
  return page(words, {
    title: message('hand-over.form.title'),
    forms: 'anywhere',
    body: html`<p>${say('hand-over.form')}</p>
      ${postForm({ action, fields, label: say('action.continue') })}`,
    headers: { pragma: noStore.pragma },
  });
}

function fieldsOf(parameters: Parameters): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
