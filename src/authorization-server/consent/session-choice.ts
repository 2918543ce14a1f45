/** Where a person has as many sessions as they may have: the choice, on the page where they agree to another one, of those that end for it. */
import type { Kysely } from 'kysely';
import type { ApiRequest } from '../../http/exchange.ts';
import { foreign, html, type SafeHtml } from '../../http/pages/html.ts';
import { type EndedSession, endSessionIn } from '../../sessions/end.ts';
import { type Crowd, findCrowd, type WantedSession } from '../../sessions/limits.ts';
import type { Schema } from '../../storage/schema.ts';
import { type ClientLookupDeps, clientName, loadClient } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';

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
          ${foreign(names.get(session.client_id ?? '') ?? session.device_name ?? 'a Matrix app')}, device
          ${foreign(session.device_id ?? 'unknown')}, last used
          ${new Date(session.last_active_at).toISOString().slice(0, 10)}
        </label>`,
    )}
  </fieldset>`;
}

/** The two buttons, side by side; a choice stands above the one that allows. */
export function decisionForms(
  form: (decision: string, label: string, kind: string, more?: SafeHtml) => SafeHtml,
  choice: SafeHtml | undefined,
): SafeHtml {
  if (choice !== undefined) {
    return html`${form('allow', 'Allow', 'primary', choice)} ${form('deny', 'Cancel', 'secondary')}`;
  }
  return html`<div class="actions">
    ${form('allow', 'Allow', 'primary')} ${form('deny', 'Cancel', 'secondary')}
  </div>`;
}

/**
 * Ends, in the transaction of the person's yes, what they chose for the session that is to come, and resolves to them: `concludeEnding` follows the commit. `undefined` where that is
 * not enough; nothing has changed then. Where there is room anyway, nothing is ended, whatever the form says.
 */
export async function makeRoom(
  tx: Kysely<Schema>,
  deps: AuthorizationServerDeps,
  wanted: WantedSession & { readonly ending: ReadonlySet<string> },
): Promise<EndedSession[] | undefined> {
  const { ending, ...session } = wanted;
  const crowd = await findCrowd(tx, deps.sessionLimits, session);
  if (crowd === undefined) return [];
  if ((await findCrowd(tx, deps.sessionLimits, wanted)) !== undefined) return undefined;
  const ended: EndedSession[] = [];
  for (const { id } of crowd.sessions) {
    if (!ending.has(id)) continue;
    const now = deps.clock.now();
    const session = await endSessionIn(tx, deps, { sessionId: id, reason: 'ended_by_user', now });
    if (session !== undefined) ended.push(session);
  }
  return ended;
}
