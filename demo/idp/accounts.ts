/** The people of the demo identity provider, and its login page. */
import type { AccountClaims, LoginPage } from './options.ts';
import { html, type SafeHtml } from '../../src/http/pages/html.ts';
import { page } from '../html.ts';

interface DemoAccount {
  readonly login: string;
  readonly about: string;
  readonly claims: AccountClaims;
}

/** Subjects never change, so that the same people find their sessions again at the next start. */
const accounts: readonly DemoAccount[] = [
  demoAccount('alice', 'alice', 'Alice Liddell', 'an ordinary account'),
  demoAccount('bob', 'bob', 'Bob Cratchit', 'another one'),
  demoAccount(
    'zoe',
    'Zoë Müller',
    'Zoë Müller',
    'a user name that Matrix does not allow: see how it is refused',
  ),
];

function demoAccount(login: string, userName: string, name: string, about: string): DemoAccount {
  const claims = {
    sub: `demo-${login}`,
    preferred_username: userName,
    name,
    email: `${login}@demo.example`,
    email_verified: true,
    groups: ['matrix-users'],
  };
  return { login, about, claims };
}

export function accountByLogin(login: string): AccountClaims | undefined {
  return accounts.find((account) => account.login === login)?.claims;
}

export function accountBySubject(sub: string): AccountClaims | undefined {
  return accounts.find(({ claims }) => claims.sub === sub)?.claims;
}

const badge = 'identity provider. Nobody checks who you are here. Never use it for real people.';

/** The login form: one choice, one button. */
export function renderLogin({ action, login, problem }: LoginPage): string {
  const chosen = accounts.find((account) => account.login === login) ?? accounts[0];
  return page({
    title: 'Sign in · demo identity provider',
    badge,
    body: html`<div class="narrow">
      <h1>Who are you today?</h1>
      <p class="lead">
        This page stands for the identity provider that you already run. Gatehouse sent you here, and you go
        back there afterwards.
      </p>
      ${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
      <form method="post" action="${action}">
        <fieldset>
          <legend>Account</legend>
          ${accounts.map(
            (account) =>
              html`<label class="choice"
                ><input
                  type="radio"
                  name="login"
                  value="${account.login}"
                  ${account === chosen && html`checked`}
                />
                <span>${account.claims['name'] as string} <small>${account.about}</small></span></label
              >`,
          )}
        </fieldset>
        <div class="row">
          <button name="action" value="sign-in">Sign in</button>
          <button class="second" name="action" value="cancel">Cancel</button>
        </div>
      </form>
    </div>`,
  });
}

export function renderNotice(title: string, detail: string, form = ''): string {
  return page({
    title: `${title} · demo identity provider`,
    badge,
    body: html`<div class="narrow">
      <h1>${title}</h1>
      <p>${detail}</p>
      ${{ text: form } as SafeHtml}
    </div>`,
  });
}
