/** The resource owner password grant, which `oidc-provider` leaves to whoever wants it: as a custom grant, without an ID token unless asked for. */
import { errors, type Provider } from 'oidc-provider';
import type { AccountClaims } from '../../demo/idp/options.ts';

export interface PasswordGrant {
  /** Whose name and password these are. */
  readonly account: (username: string, password: string) => AccountClaims | undefined;
  /** With an ID token in the answer. */
  readonly idToken: boolean;
}

export function addPasswordGrant(provider: Provider, grant: PasswordGrant): void {
  provider.registerGrantType(
    'password',
    async (ctx) => {
      const { client, params } = ctx.oidc;
      if (client === undefined) throw new errors.InvalidClient('no client');
      const { username, password, scope } = params as Record<string, string | undefined>;
      if (username === undefined || password === undefined)
        throw new errors.InvalidRequest('missing parameter');
      const account = grant.account(username, password);
      if (account === undefined) throw new errors.InvalidGrant('invalid user credentials');
      const granted = new provider.Grant({ clientId: client.clientId, accountId: account.sub });
      granted.addOIDCScope(scope ?? 'openid');
      const grantId = await granted.save();
      const accessToken = new provider.AccessToken({
        accountId: account.sub,
        client,
        grantId,
        gty: 'password',
        scope: scope ?? 'openid',
      });
      ctx.oidc.entity('AccessToken', accessToken);
      const token = await accessToken.save();
      ctx.body = {
        access_token: token,
        expires_in: accessToken.expiration,
        token_type: accessToken.tokenType,
        scope,
        ...(grant.idToken ? { id_token: await issueIdToken(provider, ctx, account) } : {}),
      };
    },
    ['username', 'password', 'scope'],
  );
}

type Context = Parameters<Parameters<Provider['registerGrantType']>[1]>[0];

async function issueIdToken(provider: Provider, ctx: Context, account: AccountClaims): Promise<string> {
  const token = new provider.IdToken({ ...account }, { ctx });
  Object.assign(token, { scope: 'openid profile email' });
  return token.issue({ use: 'idtoken' });
}
