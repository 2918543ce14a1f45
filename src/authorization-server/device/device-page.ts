/** The pages of the device grant: the code is typed, and a person says yes or no. */
import type { Reply } from '../../http/exchange.ts';
import { foreign, html, page, type SafeHtml } from '../../http/pages/html.ts';
import { userId } from '../../protocol/identifiers.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import type { DeviceGrant } from '../../storage/records/device-grants.ts';
import type { User } from '../../storage/records/users.ts';
import { type Client, clientHost, clientName } from '../../clients/clients.ts';
import { decisionForms } from '../consent/session-choice.ts';

/** The form for a user code. */
export function codePage(
  deps: { issuer: string },
  input: {
    csrfField: SafeHtml;
    /** What stands in the field: out of the link, or what was typed last. */
    code: string;
    /** Why it has to be typed again. */
    fault?: string;
    headers?: Readonly<Record<string, string | string[]>>;
  },
): Reply<string> {
  const { code, fault, headers } = input;
  return page({
    title: 'Sign in on another device',
    forms: 'anywhere',
    status: fault === undefined ? 200 : 400,
    ...(headers === undefined ? {} : { headers }),
    body: html`${fault !== undefined && html`<p role="alert">${fault}</p>`}
      <p>
        ${
          code === ''
            ? 'Type the code that your other device shows.'
            : 'Go on only if your other device shows exactly this code.'
        }
      </p>
      <form method="post" action="${endpointUrl(deps.issuer, 'device')}">
        ${input.csrfField}
        <label for="user_code">Code</label>
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
        <button class="primary" type="submit">Continue</button>
      </form>
      <p>
        Never type a code that somebody sent you or told you: whoever has the other device will be signed in
        as you.
      </p>`,
  });
}

export interface ConfirmationInput {
  readonly signInId: string;
  readonly grant: DeviceGrant;
  readonly client: Client;
  readonly user: User;
  /** Name of the other app that is signed in on the device, if one is. */
  readonly occupant: string | undefined;
  /** What the person has to choose before, if there is anything. */
  readonly choice: SafeHtml | undefined;
  readonly csrfField: SafeHtml;
  readonly status?: number;
}

/** Names who asked, for what, and from where; nothing is agreed to but by its button (RFC 8628 sections 3.3 and 5.4). */
export function confirmationPage(
  deps: { issuer: string; serverName: string },
  input: ConfirmationInput,
): Reply<string> {
  const { grant, client, user, signInId, choice, csrfField } = input;
  const host = clientHost(client);
  const form = (decision: string, label: string, kind: string, more?: SafeHtml): SafeHtml =>
    html`<form method="post" action="${endpointUrl(deps.issuer, `device/${signInId}`)}">
      ${csrfField}
      <input type="hidden" name="decision" value="${decision}" />
      ${more}
      <button class="${kind}" type="submit">${label}</button>
    </form>`;
  return page({
    title: 'Did you start this sign-in?',
    ...(input.status === undefined ? {} : { status: input.status }),
    body: html`<p>
        ${foreign(clientName(client))} on another device wants to sign in to your account. Allow it only if
        you started this yourself, just now, and have the device before you.
      </p>
      <dl>
        <dt>App</dt>
        <dd>${foreign(clientName(client))}</dd>
        ${
          host !== undefined &&
          html`<dt>Website of the app</dt>
            <dd>${foreign(host)}</dd>`
        }
        <dt>Device</dt>
        <dd>${foreign(grant.device_id)}</dd>
        <dt>It asked from the address</dt>
        <dd>${foreign(grant.address)}</dd>
        <dt>It asks for</dt>
        <dd>${foreign(grant.scope)}</dd>
        <dt>Account</dt>
        <dd>
          ${foreign(userId(user.localpart, deps.serverName))}${user.displayname !== null && html` (${foreign(user.displayname)})`}
        </dd>
      </dl>
      ${
        input.occupant !== undefined &&
        html`<p role="alert">
          <strong>Careful:</strong> this device ID belongs to a sign-in of ${foreign(input.occupant)}. If you
          allow this, that app is signed out.
        </p>`
      }
      <p>It will be able to read and send messages as you. If somebody asked you to do this, press Cancel.</p>
      ${decisionForms(form, choice)}
      <p>
        <a href="${endpointUrl(deps.issuer, `sign-in/${signInId}?account=another`)}">Use another account</a>
      </p>`,
  });
}

/** The end of it, on this device. */
export function decidedPage(input: {
  allowed: boolean;
  headers: Readonly<Record<string, string | string[]>>;
}): Reply<string> {
  const { allowed, headers } = input;
  return page({
    title: allowed ? 'Your device is signed in' : 'The sign-in was refused',
    headers,
    body: allowed
      ? html`<p>Go on with your other device. You can close this page.</p>`
      : html`<p>The other device is not signed in. You can close this page.</p>`,
  });
}
