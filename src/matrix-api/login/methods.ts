import type { AddressLimit } from '../../http/address-limit.ts';
import type { RateLimiter } from '../../http/rate-limit.ts';
import type { Provider } from '../../upstream/provider.ts';

/** What clients without OAuth may log in with, as the operator decided. Where nothing is on, there is no legacy login at all. */
export interface LoginMethods {
  /** `m.login.sso`, and `m.login.token`, which follows it. */
  readonly sso: boolean;
  /** `m.login.password`; undefined where it is off. */
  readonly password: PasswordLogin | undefined;
}

export interface PasswordLogin {
  readonly provider: Pick<Provider, 'id' | 'checkPassword'>;
  /** What the provider calls the person of a localpart. */
  readonly usernameOf: (localpart: string) => string;
  /** Who may use it; undefined: everybody. */
  readonly allowed: ReadonlySet<string> | undefined;
  readonly failures: {
    /** By localpart, whether there is such a user or not. */
    readonly perAccount: RateLimiter;
    readonly perAddress: AddressLimit;
  };
}

/** Whether there is legacy login at all. */
export function hasLegacyLogin({ sso, password }: LoginMethods): boolean {
  return sso || password !== undefined;
}
