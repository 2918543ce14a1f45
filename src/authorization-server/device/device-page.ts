/** The pages of the device grant: the code is typed, and a person says yes or no. */
import type { Reply } from '../../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../../http/pages/html.ts';
import { page } from '../../http/pages/page.ts';
import { accountEntry, linkLine } from '../../http/pages/parts.ts';
import type { Words } from '../../http/pages/words.ts';
import type { OperatorScopes } from '../../protocol/operator-scope.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { DeviceGrant } from '../../storage/records/device-grants.ts';
import type { User } from '../../storage/records/users.ts';
import { type Message, message } from '../../texts/message.ts';
import { type Client, clientName } from '../../clients/clients.ts';
import { scopeText } from '../consent/scope-text.ts';
import { cautions, deviceEntry, website } from '../consent/consent-page.ts';
import type { Occupant } from '../consent/occupant.ts';
import { decisionForms } from '../consent/session-choice.ts';

/** The form for a user code. */
export function codePage(
  deps: { issuer: string },
  words: Words,
  input: {
    csrfField: SafeHtml;
    /** What stands in the field: out of the link, or what was typed last. */
    code: string;
    /** Why it has to be typed again. */
    fault?: Message;
    headers?: Readonly<Record<string, string | string[]>>;
  },
): Reply<string> {
  const { code, fault, headers = {} } = input;
  const { say, tell } = words;
  return page(words, {
    title: message('device.title'),
    forms: 'anywhere',
    status: fault === undefined ? 200 : 400,
    headers,
    body: html`${fault !== undefined && html`<p role="alert">${tell(fault)}</p>`}
      <p>${say(code === '' ? 'device.type' : 'device.compare')}</p>
      <form method="post" action="${endpointUrl(deps.issuer, 'device')}">
        ${input.csrfField}
        <label for="user_code">${say('device.code')}</label>
        <p>
          <input
            type="text"
            id="user_code"
            name="user_code"
            value="${code}"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="64"
            required
          />
        </p>
        <button class="primary" type="submit">${say('action.continue')}</button>
      </form>
      <p>${say('device.warning')}</p>`,
  });
}

export interface ConfirmationInput {
  readonly words: Words;
  readonly signInId: string;
  readonly grant: DeviceGrant;
  readonly client: Client;
  readonly user: User;
  /** The other app that is signed in on the device, if one is. */
  readonly occupant: Occupant | undefined;
  /** What the person has to choose before, if there is anything. */
  readonly choice: SafeHtml | undefined;
  readonly csrfField: SafeHtml;
  readonly status?: number;
}

/** Names who asked, for what, and from where; nothing is agreed to but by its button (RFC 8628 sections 3.3 and 5.4). */
export function confirmationPage(
  deps: { issuer: string; serverName: string; operatorScopes: OperatorScopes },
  input: ConfirmationInput,
): Reply<string> {
  const { words, grant, client, user, signInId, choice, csrfField } = input;
  const { say } = words;
  const asked = { client, user, scope: grant.scope, occupant: input.occupant };
  return page(words, {
    title: message('device.confirm.title'),
    ...(input.status === undefined ? {} : { status: input.status }),
    body: html`<p>${say('device.confirm', { app: clientName(client) })}</p>
      <dl>
        <dt>${say('word.app')}</dt>
        <dd>${foreign(clientName(client))}</dd>
        ${website(words, client)} ${deviceEntry(words, grant.device_id)}
        <dt>${say('device.address')}</dt>
        <dd>${foreign(grant.address)}</dd>
        <dt>${say('consent.asks')}</dt>
        <dd>${scopeText(words, deps.operatorScopes, asked)}</dd>
        ${accountEntry(words, { ...user, serverName: deps.serverName })}
      </dl>
      ${cautions(words, asked)}
      <p>${say(grant.device_id === null ? 'device.means.other' : 'device.means')}</p>
      ${decisionForms(words, { action: endpointUrl(deps.issuer, `device/${signInId}`), csrfField }, choice)}
      ${linkLine(endpointUrl(deps.issuer, `sign-in/${signInId}?account=another`), say('action.another-account'))}`,
  });
}

/** The end of it, on this device. */
export function decidedPage(
  words: Words,
  input: { allowed: boolean; headers: Readonly<Record<string, string | string[]>> },
): Reply<string> {
  const { allowed, headers } = input;
  return page(words, {
    title: message(allowed ? 'device.allowed.title' : 'device.refused.title'),
    headers,
    body: html`<p>${words.say(allowed ? 'device.allowed' : 'device.refused')}</p>`,
  });
}
