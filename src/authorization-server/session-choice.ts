/** Where a person has as many sessions as they may have: the choice, on the page where they agree to another one, of those that end for it. */
import type { ApiRequest } from '../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../http/html.ts';
import type { Crowd } from '../sessions/limits.ts';
import { type ClientLookupDeps, clientName, loadClient } from './clients.ts';

const FIELD = 'end-';

/** Ids of the sessions that the person chose. */
export function chosenSessions(form: ApiRequest['form']): Set<string> {
  const chosen = new Set<string>();
  for (const [name, value] of form) {
    if (name.startsWith(FIELD) && value === 'yes') chosen.add(name.slice(FIELD.length));
  }
  return chosen;
}

/** The choice, to stand within the form that allows. `again`: too few were chosen. */
export async function sessionChoice(deps: ClientLookupDeps, crowd: Crowd, again: boolean): Promise<SafeHtml> {
  const names = new Map<string, string>();
  for (const { client_id: id } of crowd.sessions) {
    if (id === null || names.has(id)) continue;
    const client = await loadClient(deps, id);
    names.set(id, client === undefined ? id : clientName(client));
  }
  const wanted = Math.max(crowd.ofAll, crowd.ofClient);
  return html`<fieldset>
    <legend>Choose what to sign out</legend>
    <p ${again ? html`role="alert"` : html``}>
      You have as many sessions as you may have. Choose at least
      ${wanted === 1 ? 'one' : wanted}${
        crowd.ofClient > 0 && crowd.ofAll > 0 ? html` (of this app at least ${crowd.ofClient})` : html``
      }
      to sign out for this one. Messages that only such a device can read are lost with it.
    </p>
    ${crowd.sessions.map(
      (session) =>
        html`<label>
          <input type="checkbox" name="${FIELD}${session.id}" value="yes" />
          ${foreign(names.get(session.client_id ?? '') ?? 'an app')}, device
          ${foreign(session.device_id ?? 'unknown')}, last used
          ${new Date(session.last_active_at).toISOString().slice(0, 10)}
        </label>`,
    )}
  </fieldset>`;
}
