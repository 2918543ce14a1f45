/** What the demo client's page says about each step, before and after it was taken. */
import { html, type SafeHtml } from '../../src/http/pages/html.ts';
import { abbreviate } from './exchange.ts';
import { authorizationUrl, type StepId, type Walk, type WalkSettings } from './walk.ts';

interface StepText {
  readonly title: string;
  /** What happens and why, in a sentence or two. */
  readonly explanation: SafeHtml;
  /** Label of the button that takes the step. */
  readonly action: string;
  /** What came of it; `undefined` where the answer says it all. */
  readonly outcome?: (walk: Walk) => SafeHtml;
}

export const stepTexts: Record<StepId, StepText> = {
  discover: {
    title: 'Ask the server who signs people in',
    explanation: html`Every Matrix client begins here. The answer names each endpoint that follows; a client
    that misses one of its members, or finds a wrong one, gives up.`,
    action: 'Read the metadata',
  },
  register: {
    title: 'Introduce the client',
    explanation: html`Nobody has told Gatehouse about this client: it registers itself. As a native
      application it names a loopback address <em>without</em> a port, and may come back on any.`,
    action: 'Register',
    outcome: (walk) =>
      html`From now on this client is <code>${walk.clientId}</code>. Registering the same again gives the same
        name.`,
  },
  authorize: {
    title: 'Sign in with the browser',
    explanation: html`Your browser goes to Gatehouse, from there to the identity provider, and back by way of
    a page that asks whether this client may have access. The link carries the hash of a secret that only this
    client knows (PKCE).`,
    action: 'Sign in',
    outcome: (walk) =>
      html`Back again with the code <code>${abbreviate(walk.code ?? '')}</code>. Its <code>state</code> and
        <code>iss</code> are the expected ones. The code alone is worth nothing without the secret behind the
        hash.`,
  },
  token: {
    title: 'Change the code into tokens',
    explanation: html`The client shows the code and the secret behind the hash. It gets an access token for
    some minutes, and a refresh token for the next pair. Only their hashes are in Gatehouse’s database.`,
    action: 'Get tokens',
    outcome: (walk) => html`The access token is good for ${walk.tokens?.expiresInSeconds} seconds.`,
  },
  whoami: {
    title: 'Ask who is signed in',
    explanation: html`The first call with the new token, as every client makes it.`,
    action: 'Call whoami',
    outcome: (walk) =>
      html`You are <code>${answered(walk, 'whoami', 'user_id')}</code>, on the device
        <code>${answered(walk, 'whoami', 'device_id')}</code> that this client named itself.`,
  },
  introspect: {
    title: 'Look through the homeserver’s eyes',
    explanation: html`The homeserver cannot read the token either. It asks Gatehouse whose it is, and shows
    the secret that the two share. (The demo plays the homeserver here; a client never has that secret.)`,
    action: 'Introspect',
    outcome: (walk) =>
      html`The token is good: it is that of <code>${answered(walk, 'introspect', 'username')}</code>, and the
        scope stands there in both spellings that homeservers read.`,
  },
  refresh: {
    title: 'Get the next pair',
    explanation: html`When the access token runs out, the client shows its refresh token. Both are replaced.`,
    action: 'Refresh',
    outcome: (walk) => pair(walk),
  },
  repeat: {
    title: 'Lose the answer, and ask again',
    explanation: html`Suppose the last answer had been lost in a tunnel. The client sends the
      <em>old</em> refresh token once more. As nothing of the new pair has been used yet, it gets the same one
      instead of being signed out.`,
    action: 'Send the old one again',
    outcome: (walk) =>
      walk.repeatedSame === true
        ? html`The pair is the one of the step before, to the last letter.`
        : html`The access token of the step before had expired meanwhile, so this is a fresh pair.`,
  },
  revoke: {
    title: 'Sign out',
    explanation: html`One token is enough: the whole session ends, and with it the device.`,
    action: 'Revoke',
  },
  afterwards: {
    title: 'See that it is over',
    explanation: html`The access token had minutes to live, and is refused all the same: to the client, and to
    the homeserver.`,
    action: 'Try the token again',
    outcome: () =>
      html`That was the whole way. Everything you saw, any Matrix client and homeserver do in the background.`,
  },
};

function answered(walk: Walk, step: StepId, member: string): string {
  const value = walk.done.get(step)?.[0]?.json?.[member];
  return typeof value === 'string' ? value : '?';
}

function pair(walk: Walk): SafeHtml {
  const row = (name: string, before: string | undefined, after: string | undefined): SafeHtml =>
    html`<dt>${name}</dt>
      <dd><code>${abbreviate(before ?? '')}</code> became <code>${abbreviate(after ?? '')}</code></dd>`;
  return html`<dl class="facts">
    ${row('access token', walk.previous?.accessToken, walk.tokens?.accessToken)}
    ${row('refresh token', walk.previous?.refreshToken, walk.tokens?.refreshToken)}
  </dl>`;
}

/** The link of the sign-in step, and what its parameters say. */
export function signInLink(walk: Walk, settings: WalkSettings): SafeHtml {
  const url = authorizationUrl(walk, settings);
  return html`<p><a class="button" href="${url}">${stepTexts.authorize.action}</a></p>
    <details>
      <summary>What the link says</summary>
      <dl class="facts">
        ${[...new URL(url).searchParams].map(
          ([name, value]) =>
            html`<dt><code>${name}</code></dt>
              <dd>${value}</dd>`,
        )}
      </dl>
    </details>`;
}
