import type { Reply } from '../../http/exchange.ts';
import { foreign, html, page, type SafeHtml } from '../../http/pages/html.ts';
import { type DeviceId, userId } from '../../protocol/identifiers.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { ADMIN_SCOPE } from '../../protocol/scope.ts';
import type { AuthorizationRequest } from '../../storage/records/authorizations.ts';
import type { SignIn } from '../../storage/records/sign-ins.ts';
import type { User } from '../../storage/records/users.ts';
import { type Client, clientHost, clientName } from '../../clients/clients.ts';
import { decisionForms } from './session-choice.ts';

export interface ConsentPageInput {
  readonly signIn: SignIn;
  readonly stored: AuthorizationRequest;
  readonly client: Client;
  readonly user: User;
  readonly deviceId: DeviceId;
  /** Name of the other app that is signed in on the device, if one is. */
  readonly occupant: string | undefined;
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
  deps: { issuer: string; serverName: string },
  input: ConsentPageInput,
): Reply<string> {
  const { signIn, stored, client, user, deviceId, csrfField } = input;
  const name = clientName(client);
  const action = endpointUrl(deps.issuer, `consent/${signIn.id}`);
  const form = (decision: string, label: string, kind: string, more?: SafeHtml): SafeHtml =>
    html`<form method="post" action="${action}">
      ${csrfField}
      <input type="hidden" name="decision" value="${decision}" />
      ${more}
      <button class="${kind}" type="submit">${label}</button>
    </form>`;
  return page({
    title: 'Allow this sign-in?',
    forms: 'anywhere',
    ...(input.status === undefined ? {} : { status: input.status }),
    body: html`<p>${foreign(name)} wants to sign in to your account.</p>
      <dl>
        <dt>App</dt>
        <dd>${foreign(name)}</dd>
        ${website(client)}
        <dt>You will return to</dt>
        <dd>${foreign(returnPlace(stored.redirect_uri))}</dd>
        <dt>Account</dt>
        <dd>
          ${foreign(userId(user.localpart, deps.serverName))}${user.displayname !== null && html` (${foreign(user.displayname)})`}
        </dd>
        <dt>Device</dt>
        <dd>${foreign(deviceId)}</dd>
      </dl>
      ${
        input.occupant !== undefined &&
        html`<p role="alert">
          <strong>Careful:</strong> this device ID belongs to a sign-in of ${foreign(input.occupant)}. If you
          allow this, that app is signed out.
        </p>`
      }
      ${
        user.is_admin === 1 &&
        stored.scope.split(' ').includes(ADMIN_SCOPE) &&
        html`<p role="alert">
          <strong>Careful:</strong> it also asks for your rights as an administrator of this server.
        </p>`
      }
      <p>
        It will be able to read and send messages as you. Allow it only if you have just begun to sign in with
        this app yourself.
      </p>
      ${decisionForms(form, input.choice)} ${links(client)}
      <p>
        <a href="${endpointUrl(deps.issuer, `sign-in/${signIn.id}?account=another`)}">Use another account</a>
      </p>`,
  });
}

function website(client: Client): SafeHtml | false {
  const host = clientHost(client);
  return (
    host !== undefined &&
    html`<dt>Website of the app</dt>
      <dd>${foreign(host)}</dd>`
  );
}

/** Where the browser goes next, as a person can judge it: a host, this computer, or an app's own scheme. */
function returnPlace(redirectUri: string): string {
  const url = new URL(redirectUri);
  if (url.protocol === 'https:') return url.host;
  return url.protocol === 'http:' ? 'an app on this computer' : `the app behind ${url.protocol}`;
}

function links(client: Client): SafeHtml | false {
  const { tos_uri: terms, policy_uri: policy } = client.metadata;
  const all: SafeHtml[] = [];
  if (typeof terms === 'string')
    all.push(html`<a href="${terms}" rel="noreferrer">Terms of service of the app</a>`);
  if (typeof policy === 'string')
    all.push(html`<a href="${policy}" rel="noreferrer">Privacy policy of the app</a>`);
  return all.length > 0 && html`<p>${all.map((link, index) => html`${index > 0 && ' · '}${link}`)}</p>`;
}
