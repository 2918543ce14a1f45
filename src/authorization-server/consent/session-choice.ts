/** If a person has as many sessions as they may have: the choice, on the page where they agree to another one, of those that end for it. */
import type { Kysely } from 'kysely';
import type { ApiRequest } from '../../http/exchange.ts';
import { html, type SafeHtml } from '../../http/pages/html.ts';
import { decisionForm } from '../../http/pages/parts.ts';
import type { Words } from '../../http/pages/words.ts';
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
export async function sessionChoice(
  deps: ClientLookupDeps,
  { say }: Words,
  { crowd, again }: { crowd: Crowd; again: boolean },
): Promise<SafeHtml> {
  const names = new Map<string, string>();
  for (const { client_id: id } of crowd.sessions) {
    if (id === null || names.has(id)) continue;
    const client = await loadClient(deps, id);
    names.set(id, client === undefined ? id : clientName(client));
  }
  const { ofClient, ofAll } = crowd;
  const wanted = html`${say('consent.crowded', { count: Math.max(ofAll, ofClient) })}
  ${ofClient > 0 && ofAll > 0 && say('consent.crowded.of-app', { count: ofClient })}`;
  return html`<fieldset>
    <legend>${say('consent.choose')}</legend>
    ${again ? html`<p role="alert">${wanted}</p>` : html`<p>${wanted}</p>`}
    ${crowd.sessions.map(
      (session) =>
        html`<label>
          <input type="checkbox" name="${FIELD}${session.id}" value="yes" />
          ${say('consent.session', {
            app: names.get(session.client_id ?? '') ?? session.device_name ?? say('word.matrix-app'),
            device: session.device_id ?? say('consent.device-unknown'),
            date: new Date(session.last_active_at).toISOString().slice(0, 10),
          })}
        </label>`,
    )}
  </fieldset>`;
}

/** The two buttons, side by side; a choice stands above the one that allows. */
export function decisionForms(
  { say }: Words,
  form: { readonly action: string; readonly csrfField: SafeHtml },
  choice: SafeHtml | undefined,
): SafeHtml {
  const allow = {
    ...form,
    decision: 'allow',
    label: say('action.allow'),
    kind: 'primary',
    fields: choice,
  } as const;
  const deny = { ...form, decision: 'deny', label: say('action.cancel'), kind: 'secondary' } as const;
  const both = html`${decisionForm(allow)} ${decisionForm(deny)}`;
  return choice === undefined ? html`<div class="actions">${both}</div>` : both;
}

/**
 * Ends, in the transaction of the person's yes, what they chose for the session that is to come, and resolves to them: `concludeEnding` follows the commit. `undefined` if that is
 * not enough; nothing has changed then. If there is room anyway, nothing is ended, whatever the form says.
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
