/** How the tokens of a provider are verified. The keys are those of `providers[].tokens` in the configuration file. */
import type { ClaimTemplate } from '../protocol/claim-template.ts';
import type { AccessRules } from '../protocol/access-rules.ts';

type Optional<T> = T | undefined;

export type StrategyName = 'jwt' | 'introspection' | 'tokeninfo' | 'userinfo';

export interface TokenSettings {
  /** Asked in this order until one knows the token. */
  readonly strategies: readonly StrategyName[];
  /** `aud` must hold one of these. Default: our client id at the provider. Empty: any, which an attacker's other client can use. */
  readonly audience?: Optional<readonly string[]>;
  /** `azp`, else `client_id`, must be one of these. Default: any. */
  readonly authorized_parties?: Optional<readonly string[]>;
  /** All must be in the token's scope. Default none. */
  readonly required_scope?: Optional<readonly string[]>;
  /** Conditions on claims, as in `providers[].access`. Default none. */
  readonly access?: Optional<AccessRules>;
  readonly claims?: Optional<TokenClaims>;
  readonly jwt?: Optional<JwtSettings>;
  readonly introspection?: Optional<IntrospectionSettings>;
  readonly tokeninfo?: Optional<{ readonly url?: Optional<string> }>;
  readonly userinfo?: Optional<{ readonly url?: Optional<string> }>;
  readonly cache?: Optional<CacheSettings>;
  /** Questions to the provider under way at once, and as many again that wait. Default 32. */
  readonly concurrency?: Optional<number>;
  /** Total time of one question. Default 5. */
  readonly timeout_seconds?: Optional<number>;
}

/** Which claims say what. Each is a claim's name or path; `localpart` is a template, or several of which the first counts that makes one. */
export interface TokenClaims {
  /** Default `preferred_username`. */
  readonly localpart?: Optional<ClaimTemplate>;
  /** Default: the device that the scope names (`urn:matrix:client:device:…`). */
  readonly device?: Optional<string>;
  /** A text with spaces or a list. Default `scope`, else `scp`. */
  readonly scope?: Optional<string>;
  /** Default `client_id`, else `azp`. */
  readonly client?: Optional<string>;
}

export interface JwtSettings {
  /** What `typ` in the header may be, in lower case without `application/`; `none`: it may be missing. Default [at+jwt] (RFC 9068). */
  readonly types?: Optional<readonly string[]>;
  /** Default: every asymmetric one. */
  readonly algorithms?: Optional<readonly string[]>;
  /** Folder with keys at `<azp>/<ALG>/<kid>`, as Dovecot's local validation reads it; instead of the provider's key set. */
  readonly key_directory?: Optional<string>;
  /** How far the clocks may be apart. Default 30. */
  readonly leeway_seconds?: Optional<number>;
  /** No token may live longer. Default 86400. */
  readonly max_lifetime_seconds?: Optional<number>;
}

export interface IntrospectionSettings {
  /** Default: the metadata's `introspection_endpoint`. In mode `get` the token is appended to it. */
  readonly url?: Optional<string>;
  /** post: RFC 7662. get: `<url><token>`. auth: GET with the token as the bearer. Default post. */
  readonly mode?: Optional<'post' | 'get' | 'auth'>;
  /** The member that says whether the token is good, and its value. Default `active`, true. */
  readonly active_attribute?: Optional<string>;
  readonly active_value?: Optional<string | boolean>;
  /** Asked even if a JWT was verified here, so that a revocation counts at once. Default false. */
  readonly force?: Optional<boolean>;
  /** Asks for a signed answer (RFC 9701), and takes no other. Default false. */
  readonly signed?: Optional<boolean>;
}

export interface CacheSettings {
  /** How many verdicts are kept. Default 10000; 0 keeps none. */
  readonly entries?: Optional<number>;
  /** How long a good one counts, never past the token's expiry. Default 60. */
  readonly seconds?: Optional<number>;
  /** How long a bad one counts. Default 5. */
  readonly negative_seconds?: Optional<number>;
}
