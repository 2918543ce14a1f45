import type { InternalUserId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { EmitEvent } from '../observability/events.ts';
import type { OAuthErrorCode } from '../protocol/oauth-error.ts';
import type { Sealer } from '../storage/sealed.ts';
import type { Schema } from '../storage/schema.ts';
import type { SignInPurposeName, SignIn } from '../storage/records/sign-ins.ts';
import type { LogoutToken } from '../upstream/login/logout-token.ts';
import type { Message } from '../texts/message.ts';
import type { Provider } from '../upstream/provider.ts';
import type { SecretHash } from '../protocol/token-format.ts';
import type { CompletionDeps } from './complete.ts';
import type { SignInCountDeps } from './count-sign-in.ts';

/** What a browser is sent through the IdP for: each capability that needs to know who somebody is has one. */
export interface SignInPurpose {
  /** URL of our page that continues once the person is known. */
  next(signIn: SignIn): string;
  /** Whether a person goes on who is locked, as what comes next tells them of it in its own way. Default: they are told at once. */
  readonly admitsLocked?: boolean;
  /** Notes who it turned out to be, in the transaction that does. */
  identified?(tx: Kysely<Schema>, known: { signInId: string; userId: InternalUserId }): Promise<void>;
  /** Whether the code or token with this hash, which was given to an app, can still be used. */
  isUnused?(hash: SecretHash): Promise<boolean>;
  /** Where the person can go instead when nobody could be signed in, and what that place is called; `undefined` if there is none. */
  wayBack(signIn: SignIn, refusal: TellableError): Promise<WayBack | undefined>;
}

/** What a client can be told of a sign-in that did not work (RFC 6749 section 4.1.2.1). */
export interface TellableError {
  readonly code: OAuthErrorCode;
  readonly description: string;
}

export interface WayBack {
  readonly url: string;
  readonly label: Message;
  /** Where there are any, they are posted to the URL, which is a link otherwise. */
  readonly fields?: Readonly<Record<string, string>>;
}

export type SignInPurposes = Readonly<Record<SignInPurposeName, SignInPurpose>>;

export interface SignInDeps extends CompletionDeps, SignInCountDeps {
  /** `public_url`, byte for byte. */
  readonly issuer: string;
  /** The IdPs, in the operator's order; at least one. */
  readonly providers: readonly Provider[];
  readonly sealer: Sealer;
  readonly emit: EmitEvent;
  readonly purposes: SignInPurposes;
  readonly handOver: HandOverPolicy;
  /** Told of a sign-out at an IdP that was obeyed. */
  readonly onUpstreamLogout?: (logout: LogoutToken) => void;
}

/** What the operator decided about hand-overs. */
export interface HandOverPolicy {
  /** How long an answer to an app counts, in milliseconds. */
  readonly lifetime: number;
  /** https URLs that open an app ("universal links"); the path is that of an entry or one below it. */
  readonly appLinks: readonly string[];
}
