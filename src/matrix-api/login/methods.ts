import type { PasswordLogin } from '../../sign-in/password.ts';

/** What clients without OAuth may log in with, as the operator decided. If nothing is on, there is no legacy login at all. */
export interface LoginMethods {
  /** `m.login.sso`, and `m.login.token`, which follows it. */
  readonly sso: boolean;
  /** `m.login.password`; undefined if it is off. */
  readonly password: PasswordLogin | undefined;
}

/** Whether there is legacy login at all. */
export function hasLegacyLogin({ sso, password }: LoginMethods): boolean {
  return sso || password !== undefined;
}
