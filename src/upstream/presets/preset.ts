/** A kind of IdP as data: what is particular about it, with the source of each fact. The code knows no product by name. */
import type { PresetName } from '../../protocol/preset-names.ts';
import type { ProviderSettings } from '../settings.ts';

export interface Preset {
  readonly name: PresetName;
  /** The product's own name. */
  readonly title: string;
  /** Whether a real one was signed in through, or only its documents or source were read. */
  readonly evidence: 'tried' | 'from documents';
  /** Where the facts below stand. */
  readonly sources: readonly string[];
  /** Whose button Matrix clients show for it (`informal/idp-brands.md` of the specification). */
  readonly brand?: string;
  /** Defaults of the settings; what the operator writes wins. */
  readonly defaults?: PresetDefaults;
  /** false: plain OAuth 2.0, without ID token; identity comes from userinfo. Default true. */
  readonly openid?: boolean;
  /** The metadata's issuer is a template: `placeholder` stands for the value of `claim`, which must be an allowed tenant. */
  readonly issuer_template?: {
    readonly issuer: string;
    readonly placeholder: string;
    readonly claim: string;
  };
  /** Members that its metadata leaves out although it has what they say; filled in for our own use only. */
  readonly missing_members?: Readonly<Record<string, unknown>>;
  /** Whether PKCE is sent if the metadata lists no methods at all; default true. false: it would be refused as an error. */
  readonly pkce_if_unlisted?: boolean;
  /** Values of `prompt` that it wants differently; null: it has nothing like it, so it is left out. */
  readonly prompts?: Readonly<Record<string, string | null>>;
  /** It refuses more than one value in `prompt`. */
  readonly single_prompt?: boolean;
  /**
   * How a refresh token is asked for, if claims are to be fetched again. Default: by the scope offline_access if the metadata lists it
   * (OpenID Connect Core §11).
   */
  readonly offline?: PresetOffline;
  /** What private_key_jwt assertions name as audience; default the issuer. */
  readonly assertion_audience?: 'issuer' | 'token_endpoint';
  /** Its client secret is a JWT signed with `client_private_key`: for whom, and with what. */
  readonly signed_secret?: { readonly audience: string; readonly alg: string };
  /** The status with which it refuses a password without a word, if RFC 6749 section 5.2 wants `invalid_grant`. */
  readonly silent_password_refusal?: number;
  readonly logout?: PresetLogout;
  /** What an operator should know, a sentence each; shown by the doctor and in the docs. */
  readonly notes?: readonly string[];
}

export interface PresetOffline {
  /** Whether the scope offline_access is asked for; false if it is unknown, refused to ordinary clients, or not needed. */
  readonly scope: boolean;
  /** What else it takes in the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** It must be asked for consent each time, else it leaves the scope out. */
  readonly consent?: boolean;
}

export interface PresetLogout {
  /** Whether it tells us of a sign-out there (OpenID Connect Back-Channel Logout). */
  readonly backchannel: boolean;
  /** Whether it has an end_session_endpoint (RP-Initiated Logout). */
  readonly rp_initiated: boolean;
}

/** The settings that a preset may give defaults for. */
export type PresetDefaults = Pick<
  ProviderSettings,
  | 'scopes'
  | 'response_mode'
  | 'pkce'
  | 'nonce'
  | 'fetch_userinfo'
  | 'subject_claim'
  | 'id_token_algorithms'
  | 'token_endpoint_auth_method'
  | 'authorization_parameters'
  | 'issuer_aliases'
> & { readonly discovery_method?: 'oidc' | 'oauth2' | 'none' };
