import { expect } from 'vitest';
import { startIdp } from '../../peers/idp.ts';
import { alice, bob, formVisitor } from './real-provider.ts';
import { describeProvider } from './suite.ts';

describeProvider({
  name: 'oidc-provider',
  title: 'oidc-provider',
  installed: true,
  takesPasswords: true,
  async start(redirectUri) {
    const idp = await startIdp({ redirectUris: [redirectUri], passwordGrant: true });
    for (const { login, password } of [alice, bob]) idp.passwords.set(login, password);
    return {
      issuer: idp.issuer,
      clientId: idp.clientId,
      clientSecret: idp.clientSecret,
      settings: { preset: 'oidc-provider' },
      legacyLogin: { password: true },
      newVisitor: () =>
        Promise.resolve(
          formVisitor(async (browser, { login }) => {
            await browser.submit({ button: 'Sign in', fields: { login } });
            return true;
          }),
        ),
      rotateKeys: () => idp.rotateKeys(),
      stop: () => idp.close(),
    };
  },
  facts(document, headers) {
    expect(headers.get('cache-control')).toBeNull();
    expect(document).toMatchObject({
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    });
  },
});
