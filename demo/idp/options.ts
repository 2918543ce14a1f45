/** What the caller of the demo provider decides. */
import type { AllClientMetadata, Provider } from 'oidc-provider';

/** Claims of one account. `sub` is its stable identifier; everything else goes to userinfo by scope. */
export interface AccountClaims {
  sub: string;
  [claim: string]: unknown;
}

/** What one page of the provider shows. */
export interface LoginPage {
  /** Where the form posts to. */
  action: string;
  /** The `login_hint` of the request, or what was typed before. */
  login: string;
  /** Why the form is shown again. */
  problem?: string;
}

export interface IdentityProviderOptions {
  /** Issuer identifier: the URL at which the caller serves `listener`. */
  issuer: string;
  /** Prefix of its cookies: must differ from those of everything else on the same host, as ports share a jar. */
  cookiePrefix: string;
  /** The account of a login name; read at every look-up, so it may change at run time. */
  accountByLogin: (login: string) => AccountClaims | undefined;
  accountBySubject: (sub: string) => AccountClaims | undefined;
  /** Metadata of a client; read at every look-up. */
  client: (clientId: string) => AllClientMetadata | undefined;
  /** Renders the login form: fields `login` and `action` (`sign-in` or `cancel`), method POST. */
  renderLogin: (page: LoginPage) => string;
  /** Renders a page that says something: an error, or the question whether to sign out, with the form to answer it (HTML). */
  renderNotice: (title: string, detail: string, form?: string) => string;
  /** Puts the claims of the scopes into the ID token too, not only into userinfo. Default false. */
  claimsInIdToken?: boolean | undefined;
  /** Told of errors that are the provider's own. Default: nothing. */
  onServerError?: ((error: Error) => void) | undefined;
  /** Access token and ID token life in seconds. Default 3600. */
  tokenTtlSeconds?: number | undefined;
  /** Adds to the provider what it has not of itself: further grants. Called anew with each that is built. */
  extend?: ((provider: Provider) => void) | undefined;
  /** Runs around every request of the provider, for faults. `body` may be changed after `next`. */
  around?: ((request: ProviderExchange, next: () => Promise<void>) => Promise<void>) | undefined;
}

/** One request as `around` sees it. */
export interface ProviderExchange {
  readonly path: string;
  readonly method: string;
  readonly query: URLSearchParams;
  /** Replaces the query before the provider reads it. */
  setQuery(query: URLSearchParams): void;
  /** The answer, after `next`. */
  status: number;
  body: unknown;
  /** A redirect's target, after `next`. */
  location: string | undefined;
  setHeader(name: string, value: string): void;
}
