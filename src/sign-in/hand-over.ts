/**
 * The way from a browser to an app that is not a website over https. Nothing tells whether the app opened, so a page stays behind: it opens the app by itself, and
 * its button does so again for as long as the answer counts. The answer is kept sealed with the sign-in, for the browser that it is bound to.
 */
import type { Kysely } from 'kysely';
import { type ApiRequest, type Handler, noStore, type Reply } from '../http/exchange.ts';
import { html } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { placeText } from '../http/pages/parts.ts';
import { SeeOther } from '../http/pages/see-other.ts';
import { wordsIn, type Words } from '../http/pages/words.ts';
import type { PageRoute } from '../http/app.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { isTrustedRedirect } from '../protocol/login-redirect.ts';
import type { SecretHash } from '../protocol/token-format.ts';
import { findSignIn, keepAnswer, type SignIn } from '../storage/records/sign-ins.ts';
import type { Schema } from '../storage/schema.ts';
import { message } from '../texts/message.ts';
import { isBoundBrowser } from './browser-binding.ts';
import type { HandOverPolicy, SignInDeps } from './deps.ts';

interface Answer {
  readonly url: string;
  /** Of the code or token in it; null if it holds none. */
  readonly hash: SecretHash | null;
  readonly until: number;
}

/**
 * Whether nobody may be there to take the answer: anything but a website over https (an app's own scheme, the loopback port of a program that has to
 * be running), and a link that the operator names.
 */
export function opensApp({ appLinks }: HandOverPolicy, redirectUri: string): boolean {
  return new URL(redirectUri).protocol !== 'https:' || isTrustedRedirect(redirectUri, appLinks);
}

/** Keeps the answer, in the transaction that finishes the sign-in. */
export async function keepForApp(
  tx: Kysely<Schema>,
  deps: Pick<SignInDeps, 'sealer' | 'clock' | 'handOver'>,
  answer: { readonly signInId: string; readonly url: string; readonly hash: SecretHash | null },
): Promise<void> {
  const { signInId, url, hash } = answer;
  const kept: Answer = { url, hash, until: deps.clock.now() + deps.handOver.lifetime };
  const sealed = deps.sealer.seal(JSON.stringify(kept), sealContext(signInId));
  await keepAnswer(tx, { id: signInId, sealed });
}

/** Sends the browser to the page that opens the app. */
export function toHandOver({ issuer }: Pick<SignInDeps, 'issuer'>, signInId: string): Reply {
  return { status: 303, headers: { ...noStore, location: handOverUrl(issuer, signInId) } };
}

/** Throws what leads back to the hand-over, if the sign-in has an answer for an app that still counts. */
export function requireNoAnswer(deps: Pick<SignInDeps, 'issuer'>, signIn: SignIn): void {
  if (signIn.answer_sealed !== null) throw new SeeOther(handOverUrl(deps.issuer, signIn.id));
}

/** The page, and what its button opens. */
export function handOverPages(deps: SignInDeps): PageRoute[] {
  const path = '/sign-in/:id/hand-over';
  return [
    { method: 'GET', path, operationId: 'showHandOver', handler: showHandOver(deps) },
    { method: 'GET', path: `${path}/open`, operationId: 'openApp', handler: openApp(deps) },
  ];
}

function showHandOver(deps: SignInDeps): Handler {
  return async (request) => {
    const { id, answer } = await requireAnswer(deps, request);
    return handOverPage(wordsIn(request.language), {
      url: answer.url,
      openUrl: `${handOverUrl(deps.issuer, id)}/open`,
    });
  };
}

function openApp(deps: SignInDeps): Handler {
  return async (request) => {
    const { answer } = await requireAnswer(deps, request);
    return { status: 303, headers: { ...noStore, location: answer.url } };
  };
}

/** `url`: what opens the app. `openUrl`: what does so too, and looks first whether the answer still counts; default: the URL itself. */
export function handOverPage(words: Words, to: { url: string; openUrl?: string }): Reply<string> {
  const { say } = words;
  const { url, openUrl = url } = to;
  return page(words, {
    title: message('hand-over.title'),
    refreshTo: openUrl,
    body: html`<p>${say('hand-over.opens', { place: placeText(words, url) })}</p>
      <p class="actions"><a class="button primary" href="${openUrl}">${say('hand-over.open')}</a></p>
      <p class="soft">${say('hand-over.nothing')}</p>`,
  });
}

/** The answer that this browser may send. Throws what the page says. */
async function requireAnswer(deps: SignInDeps, request: ApiRequest): Promise<{ id: string; answer: Answer }> {
  const id = request.params['id'] ?? '';
  const signIn = /^[0-9a-z]{26}$/.test(id) ? await findSignIn(deps.db.query, id) : undefined;
  if (signIn?.answer_sealed == null) throw new PageRefusal(message('sign-in.unknown'), { status: 404 });
  if (!isBoundBrowser(deps.issuer, request, signIn)) {
    throw new PageRefusal(message('sign-in.other-browser'), { status: 403 });
  }
  const answer = JSON.parse(deps.sealer.open(signIn.answer_sealed, sealContext(id))) as Answer;
  const isLive =
    answer.hash === null || (await deps.purposes[signIn.purpose].isUnused?.(answer.hash)) === true;
  if (!isLive || answer.until <= deps.clock.now()) {
    throw new PageRefusal(message('hand-over.over'), { status: 410, title: message('hand-over.over.title') });
  }
  return { id, answer };
}

function sealContext(signInId: string): string {
  return `sign_ins.answer:${signInId}`;
}

function handOverUrl(issuer: string, signInId: string): string {
  return endpointUrl(issuer, `sign-in/${signInId}/hand-over`);
}
