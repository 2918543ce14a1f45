/**
 * Every table, one interface each. Times are integer milliseconds since the epoch, `*_hash` columns hold the base64url SHA-256 of a
 * secret that is stored nowhere, `*_sealed` columns hold AEAD ciphertext (`storage/sealed.ts`), `*_json` columns hold JSON text.
 */
import type { Generated } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';

/** JSON text of a `T`. */
export type JsonText<T> = string & { readonly __json?: T };

export interface Schema {
  users: UsersTable;
  upstream_links: UpstreamLinksTable;
  clients: ClientsTable;
  pushed_requests: PushedRequestsTable;
  client_assertions: ClientAssertionsTable;
  sessions: SessionsTable;
  access_tokens: AccessTokensTable;
  refresh_tokens: RefreshTokensTable;
  sign_ins: SignInsTable;
  authorization_requests: AuthorizationRequestsTable;
  authorization_codes: AuthorizationCodesTable;
  device_grants: DeviceGrantsTable;
  device_requests: DeviceRequestsTable;
  signing_keys: SigningKeysTable;
  idp_documents: IdpDocumentsTable;
  outbox: OutboxTable;
  leases: LeasesTable;
  upstream_grants: UpstreamGrantsTable;
  logout_tokens: LogoutTokensTable;
  account_requests: AccountRequestsTable;
  account_sessions: AccountSessionsTable;
  login_requests: LoginRequestsTable;
  login_tokens: LoginTokensTable;
  ui_auth_sessions: UiAuthSessionsTable;
  ui_auth_requests: UiAuthRequestsTable;
  audit_entries: AuditEntriesTable;
}

/** A Matrix user of this server. For good: a localpart is never given to another person. */
export interface UsersTable {
  id: string;
  localpart: string;
  displayname: string | null;
  created_at: number;
  locked_at: number | null;
  deactivated_at: number | null;
  /** 1 while the access rules make the person an administrator, by the claims that were last seen. Default 0. */
  is_admin: Generated<number>;
}

/** (issuer, subject) → user: the only thing that identifies a person. */
export interface UpstreamLinksTable {
  issuer: string;
  subject: string;
  provider_id: string;
  user_id: string;
  created_at: number;
  last_login_at: number;
}

/** A registered OAuth client. Static clients are not here: they stand in the configuration. */
export interface ClientsTable {
  id: string;
  /** What was kept of its metadata, normalised. */
  metadata_json: JsonText<Record<string, unknown>>;
  /** Hash over `metadata_json` for public dynamic clients, which are de-duplicated by it; null for others. */
  metadata_hash: string | null;
  secret_hash: SecretHash | null;
  /** Who made it: itself by registration, or the operator. Default `dynamic`. */
  origin: Generated<'dynamic' | 'operator'>;
  created_at: number;
  last_used_at: number;
}

/** The parameters of an authorization request that a client pushed (RFC 9126); gone with their first use. */
export interface PushedRequestsTable {
  /** Of the secret in the request URI. */
  hash: SecretHash;
  client_id: string;
  parameters_json: JsonText<Record<string, string>>;
  expires_at: number;
}

/** Client assertions (RFC 7523) that were used: none counts twice. */
export interface ClientAssertionsTable {
  /** Of client id and `jti`. */
  hash: SecretHash;
  expires_at: number;
}

/** What a grant created. At most one live session per (user, device). */
export interface SessionsTable {
  id: string;
  /** Null for client credentials. */
  user_id: string | null;
  /** Null for legacy login. */
  client_id: string | null;
  device_id: string | null;
  /** Space-separated, in the client's spelling. */
  scope: string;
  /** How it began. */
  origin: SessionOrigin;
  /** When the person last proved who they are at the IdP, if it said so. */
  authenticated_at: number | null;
  /** The IdP's id of its own session, if it said so: for back-channel logout. */
  upstream_sid: string | null;
  created_at: number;
  last_active_at: number;
  ended_at: number | null;
  end_reason: SessionEndReason | null;
  /** What the device is called, where a client or its person said so: at most 100 characters. */
  device_name: Generated<string | null>;
}

export type SessionOrigin = 'authorization_code' | 'device_code' | 'client_credentials' | 'legacy_login';

/** Why a session ended. */
export type SessionEndReason =
  | 'revoked'
  | 'logged_out'
  | 'replaced'
  | 'code_replayed'
  | 'refresh_replayed'
  | 'ended_by_user'
  | 'ended_by_admin'
  | 'upstream_logout'
  | 'access_rules'
  | 'deactivated'
  | 'expired';

export interface AccessTokensTable {
  hash: SecretHash;
  session_id: string;
  /** The refresh token issued with it; null where none was. */
  refresh_hash: SecretHash | null;
  /** Null: the session's scope. */
  scope: string | null;
  created_at: number;
  /** Null: does not expire. */
  expires_at: number | null;
  first_used_at: number | null;
}

/** A refresh token and, with it, the pair that it was issued in. */
export interface RefreshTokensTable {
  hash: SecretHash;
  session_id: string;
  /** 0 for the first of a session; a successor has its predecessor's plus 1. */
  generation: number;
  /** The refresh token that was presented for this one; null for the first. */
  predecessor_hash: SecretHash | null;
  /** Nonce under which this token was derived from its predecessor; null for the first. */
  refresh_nonce: string | null;
  /** Nonce under which the pair's newest access token was derived; null for the first. */
  access_nonce: string | null;
  /** The pair's newest access token. */
  access_hash: SecretHash;
  created_at: number;
  /** When it was first presented, which created its successor. */
  consumed_at: number | null;
  /** When this token or its access token was first used: from then on it is the one lineage of the session. */
  used_at: number | null;
}

/** A browser on its way through the IdP, whatever it wants afterwards. */
export interface SignInsTable {
  id: string;
  purpose: SignInPurposeName;
  /** Binds it to the browser that began. */
  browser_hash: SecretHash;
  prompt: string | null;
  /** Seconds. */
  max_age: number | null;
  login_hint: string | null;
  acr_values: string | null;
  provider_id: string | null;
  /** Set while the browser is at the IdP; cleared by the one callback that takes it. */
  upstream_state_hash: SecretHash | null;
  /** PKCE verifier and nonce towards the IdP. */
  upstream_sealed: string | null;
  /** Who it turned out to be; null until the IdP has told. */
  user_id: string | null;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
  /** When what it was for was granted or refused. */
  finished_at: number | null;
}

/** What a sign-in is for. */
export type SignInPurposeName =
  'authorization' | 'device_grant' | 'account' | 'legacy_login' | 'user_interactive';

/** What a client asked for at the authorization endpoint: the purpose of a sign-in. */
export interface AuthorizationRequestsTable {
  sign_in_id: string;
  client_id: string;
  redirect_uri: string;
  response_mode: 'query' | 'fragment' | 'form_post';
  state: string | null;
  scope: string;
  code_challenge: string;
  nonce: string | null;
}

export interface AuthorizationCodesTable {
  hash: SecretHash;
  client_id: string;
  redirect_uri: string;
  code_challenge: string;
  scope: string;
  nonce: string | null;
  user_id: string;
  device_id: string;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
  consumed_at: number | null;
  /** What it was redeemed for. */
  session_id: string | null;
  /** Wrong verifiers so far; five burn the code. */
  misses: Generated<number>;
}

/** What a device asked for (RFC 8628), and what a person said to it. */
export interface DeviceGrantsTable {
  /** Of the device code. */
  hash: SecretHash;
  /** Keyed, as a user code has few letters. */
  user_code_hash: SecretHash;
  client_id: string;
  scope: string;
  device_id: string;
  /** Where the device asked from, for the person to see. */
  address: string;
  created_at: number;
  expires_at: number;
  /** How far apart polls have to be. */
  interval_seconds: number;
  polled_at: number | null;
  /** The sign-in that claimed it. */
  sign_in_id: string | null;
  /** Whose it is: the first person who signed in for it. */
  user_id: string | null;
  decision: 'allowed' | 'denied' | null;
  authenticated_at: number | null;
  upstream_sid: string | null;
  consumed_at: number | null;
  /** What it was redeemed for. */
  session_id: string | null;
}

/** Which device grant a sign-in is for: the purpose of a sign-in. */
export interface DeviceRequestsTable {
  sign_in_id: string;
  device_grant_hash: SecretHash;
}

/** A key that signs ID tokens. */
export interface SigningKeysTable {
  kid: string;
  alg: string;
  public_jwk_json: JsonText<Record<string, unknown>>;
  private_jwk_sealed: string;
  created_at: number;
}

/** Last good metadata and key set of a provider. */
export interface IdpDocumentsTable {
  provider_id: string;
  kind: 'metadata' | 'jwks';
  url: string;
  body: string;
  /** The response headers that steer caching. */
  headers_json: JsonText<Record<string, string>>;
  fetched_at: number;
}

/** What the homeserver must still be told. */
export interface OutboxTable {
  id: string;
  kind: 'delete_device';
  /** The session whose end it tells of; null for a device that was made for a sign-in that did not happen. */
  session_id: string | null;
  user_id: string;
  device_id: string;
  created_at: number;
  attempts: number;
  next_attempt_at: number;
}

/** Who does a periodic work at the moment. */
export interface LeasesTable {
  name: string;
  holder: string;
  expires_at: number;
}

/** The IdP's refresh token of a person, with which their claims are had again while sessions live. One a link: the newest wins. */
export interface UpstreamGrantsTable {
  issuer: string;
  subject: string;
  provider_id: string;
  user_id: string;
  /** Names this very token: what replaces it has another. */
  token_id: string;
  refresh_token_sealed: string;
  /** When the login was that it came from. */
  granted_at: number;
  next_check_at: number;
  /** While a process uses it. */
  leased_until: number;
}

/** Logout tokens (OpenID Connect Back-Channel Logout) that were obeyed: none counts twice. */
export interface LogoutTokensTable {
  /** Of provider and `jti`. */
  hash: SecretHash;
  expires_at: number;
}

/** Where on the account page somebody wanted to go: the purpose of a sign-in. */
export interface AccountRequestsTable {
  sign_in_id: string;
  /** Path below the account page, and query; made by us, never taken from a request. */
  place: string;
}

/** Somebody signed in to the account page: the one cookie session there is. */
export interface AccountSessionsTable {
  /** Of the cookie. */
  hash: SecretHash;
  user_id: string;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
}

/** Where a legacy client wants its login token sent: the purpose of a sign-in. */
export interface LoginRequestsTable {
  sign_in_id: string;
  /** As the client wrote it, checked. */
  redirect_url: string;
}

/** Login tokens: whoever redeems one is signed in as its user, once. */
export interface LoginTokensTable {
  hash: SecretHash;
  user_id: string;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
  consumed_at: number | null;
}

/** A request that waits for its person to prove themselves again (client-server API, "User-Interactive Authentication"). */
export interface UiAuthSessionsTable {
  /** Of the `session` that the client is given. */
  hash: SecretHash;
  /** The session whose access token asked. */
  session_id: string;
  /** Of method, path and body: nothing else can be done with it. */
  request_hash: string;
  /** What is about to be done, for the person to read. */
  summary: string;
  created_at: number;
  expires_at: number;
  /** When the person had signed in again. */
  completed_at: number | null;
  /** When the request was done with it. */
  consumed_at: number | null;
}

/** Which waiting request a sign-in is for: the purpose of a sign-in. */
export interface UiAuthRequestsTable {
  sign_in_id: string;
  ui_auth_hash: SecretHash;
}

/** What an operator did by command, as in the log: the user, session or client may be gone. */
export interface AuditEntriesTable {
  id: string;
  happened_at: number;
  event: string;
  actor: string;
  actor_name: string | null;
  client_address: string | null;
  request_id: string | null;
  user_id: string | null;
  session_id: string | null;
  client_id: string | null;
  device_id: string | null;
  provider: string | null;
  reason: string | null;
}
