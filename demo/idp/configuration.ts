/** How `oidc-provider` is set up: code with PKCE only, RS256, `iss`, consent for the asking. */
import type { JWK } from 'jose';
import type { AdapterFactory, Configuration } from 'oidc-provider';
import type { IdentityProviderOptions } from './options.ts';

const day = 24 * 60 * 60;

/** The configuration for one set of keys over one store. */
export function configure(
  options: IdentityProviderOptions,
  parts: { adapter: AdapterFactory; keys: JWK[]; cookieKeys: string[] },
): Configuration {
  const tokenTtl = options.tokenTtlSeconds ?? 3600;
  return {
    adapter: parts.adapter,
    jwks: { keys: parts.keys },
    cookies: {
      keys: parts.cookieKeys,
      names: {
        session: `${options.cookiePrefix}session`,
        interaction: `${options.cookiePrefix}interaction`,
        resume: `${options.cookiePrefix}resume`,
      },
    },
    claims: {
      openid: ['sub'],
      profile: ['preferred_username', 'name', 'groups'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    conformIdTokenClaims: options.claimsInIdToken !== true,
    pkce: { required: () => true },
    responseTypes: ['code'],
    ttl: {
      AccessToken: tokenTtl,
      IdToken: tokenTtl,
      AuthorizationCode: 60,
      RefreshToken: 14 * day,
      Interaction: 3600,
      Session: 14 * day,
      Grant: 14 * day,
    },
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const buttons =
            '<button form="op.logoutForm" name="logout" value="yes">Sign out</button> <button form="op.logoutForm">Stay</button>';
          ctx.body = options.renderNotice(
            'Sign out?',
            'This ends your session at the provider.',
            form + buttons,
          );
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = options.renderNotice('Signed out', 'Your session at the provider has ended.');
        },
      },
    },
    // The dispatcher that oidc-provider adds refuses loopback addresses, which is where everything of ours lives.
    fetch: (url, init) => {
      const { dispatcher: _dispatcher, ...rest } = init as RequestInit & { dispatcher?: unknown };
      return globalThis.fetch(url, rest);
    },
    clientBasedCORS: () => false,
    findAccount: (_ctx, sub) => {
      const account = options.accountBySubject(sub);
      return account && { accountId: sub, claims: () => ({ ...account, sub }) };
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // Consent is given for the asking: the clients are all known here.
    loadExistingGrant: async (ctx) => {
      const { client, session, provider, params, account } = ctx.oidc;
      if (client === undefined || account === undefined) return undefined;
      const grantId = ctx.oidc.result?.consent?.grantId ?? session?.grantIdFor(client.clientId);
      const grant =
        (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
        new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
      grant.addOIDCScope(typeof params?.['scope'] === 'string' ? params['scope'] : 'openid');
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = options.renderNotice(out.error, out.error_description ?? '');
    },
  };
}
