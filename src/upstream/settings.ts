/** What a provider is configured with. The keys are those of a `providers[]` entry of the configuration file. */

type Optional<T> = T | undefined;

export type TokenEndpointAuthMethod =
  'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

export interface ProviderSettings {
  readonly id: string;
  /** One of `presets/`; default `generic`. */
  readonly preset?: Optional<string>;
  /** Byte for byte what the IdP's metadata says. */
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret?: Optional<string>;
  /** Private key for private_key_jwt: PEM (PKCS #8) or a JWK as JSON. */
  readonly client_private_key?: Optional<string>;
  /** `kid` in the assertion's header; a JWK's own by default. */
  readonly client_private_key_id?: Optional<string>;
  /** The team to which that key belongs, for providers whose client secret is signed with it. */
  readonly client_team_id?: Optional<string>;
  /** PEM certificate of that key, for providers that find it by `x5t`. */
  readonly client_certificate?: Optional<string>;
  /** Default: the preset's, else private_key_jwt with a key, none without a secret, else basic or post as the metadata says. */
  readonly token_endpoint_auth_method?: Optional<TokenEndpointAuthMethod>;
  /** Signature algorithm of the assertion; default the JWK's `alg`, else RS256. */
  readonly token_endpoint_auth_signing_alg?: Optional<string>;
  /** Default [openid, profile, email], or the preset's. */
  readonly scopes?: Optional<readonly string[]>;
  /** Asks for a refresh token at sign-in, in the preset's way, so that claims can be fetched again. Default false. */
  readonly offline_access?: Optional<boolean>;
  /** How the IdP answers the browser; default query. */
  readonly response_mode?: Optional<'query' | 'form_post'>;
  /** auto: S256 unless the metadata lists methods without it. Default auto. */
  readonly pkce?: Optional<'auto' | 'always' | 'never'>;
  /** Whether a nonce is sent and wanted back; false only with `pkce: always`. Default the preset's, else true. */
  readonly nonce?: Optional<boolean>;
  /** Default true if the metadata has a userinfo endpoint. */
  readonly fetch_userinfo?: Optional<boolean>;
  /** The claim that identifies a person at this issuer; default sub. */
  readonly subject_claim?: Optional<string>;
  /** ID token algorithms; default every asymmetric one that the metadata lists. HS256, HS384 and HS512 only if named here. */
  readonly id_token_algorithms?: Optional<readonly string[]>;
  /** Of signed userinfo; default what the metadata lists for it. */
  readonly userinfo_algorithms?: Optional<readonly string[]>;
  /** Of logout tokens; default every asymmetric one. */
  readonly logout_token_algorithms?: Optional<readonly string[]>;
  /** Sent along to the authorization endpoint. */
  readonly authorization_parameters?: Optional<Readonly<Record<string, string>>>;
  /** Further values of `iss` in ID tokens that count as this issuer. */
  readonly issuer_aliases?: Optional<readonly string[]>;
  /** How far the provider's clock may be from ours, in seconds. Default 60. */
  readonly clock_tolerance_seconds?: Optional<number>;
  /** Tenants that an issuer template may stand for (Entra ID). */
  readonly allowed_tenants?: Optional<readonly string[]>;
  /** http: to hosts other than this machine. Default false. */
  readonly allow_http?: Optional<boolean>;
  /** Private addresses or CIDR ranges that the IdP may be at. Default none; loopback if a configured URL names it. */
  readonly allow_addresses?: Optional<readonly string[]>;
  /** Forward proxy for everything said to this IdP. Default none: proxy variables of the environment are not read. */
  readonly proxy_url?: Optional<string>;
  /** The same with what the proxy wants to know of us. */
  readonly proxy?: Optional<ProxySettings>;
  /** PEM certificates trusted besides Node's and the system's, of an https proxy too. */
  readonly ca?: Optional<string>;
  /** Total time of one request to the IdP. Default 5. */
  readonly timeout_seconds?: Optional<number>;
  readonly discovery?: Optional<DiscoverySettings>;
}

export interface ProxySettings {
  /** Instead of `proxy_url`. */
  readonly url?: Optional<string>;
  readonly username?: Optional<string>;
  readonly password?: Optional<string>;
}

export interface DiscoverySettings {
  /** oidc: OpenID Connect Discovery; oauth2: RFC 8414 (the path is inserted); none: `overrides` say it all. Default oidc, or the preset's. */
  readonly method?: Optional<'oidc' | 'oauth2' | 'none'>;
  /** Fetched instead of the URL that follows from the issuer. */
  readonly url?: Optional<string>;
  /** Default 60. */
  readonly min_ttl_seconds?: Optional<number>;
  /** Default 86400. */
  readonly max_ttl_seconds?: Optional<number>;
  /** Default 604800. */
  readonly stale_if_error_seconds?: Optional<number>;
  /** Members that replace the document's, for our own use of the IdP; null removes one. */
  readonly overrides?: Optional<Readonly<Record<string, unknown>>>;
}
