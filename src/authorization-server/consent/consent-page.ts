import type { Reply } from '../../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../../http/pages/html.ts';
import { page } from '../../http/pages/page.ts';
import { accountEntry, linkLine, placeText, warning } from '../../http/pages/parts.ts';
import type { Words } from '../../http/pages/words.ts';
import type { DeviceId } from '../../protocol/identifiers.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { OperatorScopes } from '../../protocol/operator-scope.ts';
import { ADMIN_SCOPE } from '../../protocol/scope.ts';
import type { AuthorizationRequest } from '../../storage/records/authorizations.ts';
import type { SignIn } from '../../storage/records/sign-ins.ts';
import type { User } from '../../storage/records/users.ts';
import { message } from '../../texts/message.ts';
import { type Client, clientHost, clientName, isVerifiedHost } from '../../clients/clients.ts';
import type { Occupant } from './occupant.ts';
import { scopeText } from './scope-text.ts';
import { decisionForms } from './session-choice.ts';

export interface ConsentPageInput {
  readonly words: Words;
  readonly signIn: SignIn;
  readonly stored: AuthorizationRequest;
  readonly client: Client;
  readonly user: User;
  /** Null if nothing of Matrix is asked for. */
  readonly deviceId: DeviceId | null;
  /** The other app that is signed in on the device, if one is. */
  readonly occupant: Occupant | undefined;
  /** What the person has to choose before, if there is anything. */
  readonly choice: SafeHtml | undefined;
  /** Default 200. */
  readonly status?: number;
  /** Hidden field of both forms. */
  readonly csrfField: SafeHtml;
}

/**
 * The consent page names the client, its host, where the answer goes, the device and the account. Everything that a stranger chose is escaped and
 * isolated; logos are not loaded. Its first form allows. `form-action` is left out of its policy, as it would block the redirect to the client.
 */
export function consentPage(
  deps: { issuer: string; serverName: string; operatorScopes: OperatorScopes },
  input: ConsentPageInput,
): Reply<string> {
  const { words, signIn, stored, client, user, deviceId, csrfField } = input;
  const { say } = words;
  const name = clientName(client);
  const asked = { client, user, scope: stored.scope, occupant: input.occupant };
  return page(words, {
    title: message('consent.title'),
    forms: 'anywhere',
    ...(input.status === undefined ? {} : { status: input.status }),
    body: html`<p>${say('consent.wants', { app: name })}</p>
      <dl>
        <dt>${say('word.app')}</dt>
        <dd>${foreign(name)}</dd>
        ${website(words, client)}
        <dt>${say('consent.return')}</dt>
        <dd>${placeText(words, stored.redirect_uri)}</dd>
        <dt>${say('consent.asks')}</dt>
        <dd>${scopeText(words, deps.operatorScopes, asked)}</dd>
        ${accountEntry(words, { ...user, serverName: deps.serverName })} ${deviceEntry(words, deviceId)}
      </dl>
      ${cautions(words, asked)}
      <p>${say(deviceId === null ? 'consent.means.other' : 'consent.means')}</p>
      ${decisionForms(
        words,
        { action: endpointUrl(deps.issuer, `consent/${signIn.id}`), csrfField },
        input.choice,
      )}
      ${links(words, client)}
      ${linkLine(endpointUrl(deps.issuer, `sign-in/${signIn.id}?account=another`), say('action.another-account'))}`,
  });
}

/** The device that the session will be on, if it is one of Matrix. */
export function deviceEntry({ say }: Words, deviceId: DeviceId | null): SafeHtml | false {
  return (
    deviceId !== null &&
    html`<dt>${say('word.device')}</dt>
      <dd>${foreign(deviceId)}</dd>`
  );
}

/** What a person has to know before they agree, whichever grant it is for. */
export function cautions(
  words: Words,
  asked: { client: Client; user: User; scope: string; occupant: Occupant | undefined },
): SafeHtml {
  const { say } = words;
  const { user, scope, occupant } = asked;
  const wantsAdmin = user.is_admin === 1 && scope.split(' ').includes(ADMIN_SCOPE);
  return html`${occupant !== undefined && warning(words, say('consent.replaces', { app: occupant }))}
  ${wantsAdmin && warning(words, say('consent.admin'))}`;
}

/** The host that the app names; anybody can name one, so it is called unverified unless answers go there or the operator knows the app. */
export function website({ say }: Words, client: Client): SafeHtml | false {
  const host = clientHost(client);
  if (host === undefined) return false;
  return html`<dt>${say('consent.website')}</dt>
    <dd>${isVerifiedHost(client) ? foreign(host) : say('consent.unverified', { host })}</dd>`;
}

function links({ say }: Words, client: Client): SafeHtml | false {
  const { tos_uri: terms, policy_uri: policy } = client.metadata;
  const all: SafeHtml[] = [];
  if (typeof terms === 'string')
    all.push(html`<a href="${terms}" rel="noreferrer">${say('consent.terms')}</a>`);
  if (typeof policy === 'string')
    all.push(html`<a href="${policy}" rel="noreferrer">${say('consent.privacy')}</a>`);
  return all.length > 0 && html`<p>${all.map((link, index) => html`${index > 0 && ' · '}${link}`)}</p>`;
}
