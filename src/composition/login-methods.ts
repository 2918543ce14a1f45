/** What the configuration lets clients without OAuth log in with, in the terms of the parts. */
import type { Config } from '../config/schema.ts';
import type { LoginMethods } from '../matrix-api/login/methods.ts';
import type { PasswordLogin } from '../sign-in/password.ts';
import { renderClaimTemplate } from '../protocol/claim-template.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

type Neutral = Pick<Foundation, 'providers' | 'log'> & Pick<Shared, 'limits'>;

/** In passthrough mode too, where such sessions stand beside those of the provider's tokens. Logs that passwords pass through. */
export function loginMethods(config: Config, parts: Neutral): LoginMethods {
  return { sso: config.legacy_login.sso, password: passwordLogin(config, parts) };
}

function passwordLogin(config: Config, parts: Neutral): PasswordLogin | undefined {
  const { password } = config.legacy_login;
  if (password === false) return undefined;
  const { allow_users: allowed, provider: id, username } = password === true ? EVERYBODY : password;
  const provider = parts.providers.find((each) => id === undefined || each.id === id);
  if (provider === undefined) throw new Error(`there is no provider ${id ?? ''}`);
  parts.log.warn(
    { provider: provider.id, users: allowed?.length ?? 'everybody' },
    'legacy_login.password is on: passwords pass through this service, and second factors do not count',
  );
  return {
    provider,
    usernameOf: (localpart) =>
      renderClaimTemplate(username, { localpart, server_name: config.server_name }) ?? localpart,
    allowed: allowed === undefined ? undefined : new Set(allowed),
    failures: parts.limits.passwordFailures,
  };
}

const EVERYBODY = { allow_users: undefined, provider: undefined, username: '{localpart}' };
