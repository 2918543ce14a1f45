/** A single sign-on, as a legacy client and its person go through it. */
import { type Browser, createBrowser, type Page } from './browser.ts';
import { type Answer, postJson } from './oauth-client.ts';

/** Where the client of a test wants its login token. */
export const APP_URL = 'https://app.example.com/';

/** The URL that a legacy client opens. */
export function ssoUrl(
  at: { readonly url: string },
  options: {
    readonly redirectUrl?: string;
    readonly idp?: string;
    readonly version?: string;
    readonly more?: Record<string, string>;
  } = {},
): string {
  const { redirectUrl = APP_URL, idp, version = 'v3', more = {} } = options;
  const path = `_matrix/client/${version}/login/sso/redirect${idp === undefined ? '' : `/${idp}`}`;
  return `${at.url}${path}?${new URLSearchParams({ redirectUrl, ...more }).toString()}`;
}

/** Opens the URL and signs in at the IdP where that is asked for; shows what comes after, or stops at the app. */
export async function goThroughIdp(
  browser: Browser,
  url: string,
  { login = 'alice', stopAt = APP_URL }: { login?: string; stopAt?: string } = {},
): Promise<Page> {
  browser.stopAt(stopAt);
  const page = await browser.open(url);
  if (!page.title.includes('test IdP')) return page;
  return browser.submit({ button: 'Sign in', fields: { login } });
}

/** The whole way to a login token, the confirmation included. */
export async function loginTokenOf(
  at: { readonly url: string },
  login = 'alice',
  browser = createBrowser(),
): Promise<string> {
  await goThroughIdp(browser, ssoUrl(at), { login });
  const back = await browser.submit({ button: 'Continue' });
  const token = new URL(back.url).searchParams.get('loginToken');
  if (token === null) throw new Error(`no login token at ${back.url} (status ${String(back.status)})`);
  return token;
}

/** `POST /login` with a login token. */
export function logInWith(
  at: { readonly url: string },
  token: string,
  more: Record<string, unknown> = {},
): Promise<Answer> {
  return postJson(`${at.url}_matrix/client/v3/login`, { type: 'm.login.token', token, ...more });
}
