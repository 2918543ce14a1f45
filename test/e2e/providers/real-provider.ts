/** What the suite wants of an identity provider that really runs. */
import { createBrowser, type Browser } from '../../support/browser.ts';

/** Somebody who has an account there. The login becomes the localpart. */
export interface Person {
  readonly login: string;
  readonly password: string;
  readonly name: string;
  readonly email: string;
}

export const alice: Person = {
  login: 'alice',
  password: 'correct-Horse-7',
  name: 'Alice Liddell',
  email: 'alice@example.org',
};
export const bob: Person = {
  login: 'bob',
  password: 'battery-Staple-8',
  name: 'Bob Cratchit',
  email: 'bob@example.org',
};

/** Somebody at a browser with a cookie jar of its own. */
export interface Visitor {
  /** Opens the URL, does what every page asks for, and ends where the application's redirect URI would be fetched. */
  signIn(authorizationUrl: string, redirectUri: string, person: Person): Promise<SignedIn>;
  close(): Promise<void>;
}

export interface SignedIn {
  /** The redirect URI with the parameters that came back. */
  readonly url: URL;
  /** Whether the provider asked for the password on the way. */
  readonly asked: boolean;
}

export interface RealProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Further keys of the entry in `providers`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** `legacy_login` of the configuration: with `password` where it has the password grant for our client. Default: none. */
  readonly legacyLogin?: Readonly<Record<string, unknown>>;
  /** Two who have accounts there. Default: alice and bob. */
  readonly people?: readonly [Person, Person];
  newVisitor(): Promise<Visitor>;
  /** Makes it sign with a new key, at once or within seconds. */
  rotateKeys(): Promise<void>;
  /** Ends it: connections are refused from then on. */
  stop(): Promise<void>;
}

/** A visitor without JavaScript, for providers whose pages work so. `answer` fills in the provider's page that is shown, and says if it gave the password. */
export function formVisitor(answer: (browser: Browser, person: Person) => Promise<boolean>): Visitor {
  const browser = createBrowser({ secureOnLoopback: true });
  return {
    async signIn(authorizationUrl, redirectUri, person) {
      const { origin } = new URL(authorizationUrl);
      browser.stopAt(redirectUri);
      let page = await browser.open(authorizationUrl);
      let asked = false;
      for (let step = 0; step < 6 && !page.stopped; step += 1) {
        if (page.status >= 400) throw new Error(`${page.url} answered ${String(page.status)}: ${page.text}`);
        if (new URL(page.url).origin === origin) {
          await browser.submit({ button: page.body.includes('>Allow<') ? 'Allow' : 'Continue' });
        } else if (await answer(browser, person)) {
          asked = true;
        }
        page = browser.page;
      }
      if (!page.stopped) throw new Error(`the way ends at ${page.url}: ${page.text.slice(0, 500)}`);
      return { url: new URL(page.url), asked };
    },
    close: () => Promise.resolve(),
  };
}
