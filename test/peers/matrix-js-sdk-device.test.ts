import { createClient } from 'matrix-js-sdk';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import { OAuth2 } from 'matrix-js-sdk/lib/oauth/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { postJson } from '../support/oauth-client.ts';
import { type Gatehouse, startGatehouse } from './gatehouse.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const DEVICE_ID = 'xfOgOlg1RIlhGXMBcFt/bmsu+t1Ys1GI/iYnQlPYdEg=';

describe('matrix-js-sdk signs in a device by QR login', () => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'log'] as const)
      logger[level] = () => undefined;
    gatehouse = await startGatehouse();
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  const start = async (): Promise<{
    oauth: OAuth2;
    session: Awaited<ReturnType<OAuth2['startDeviceAuthorizationGrant']>>;
  }> => {
    const metadata = await createClient({ baseUrl: gatehouse.url }).getAuthMetadata();
    expect(metadata.grant_types_supported).toContain(GRANT);
    const registered = await postJson(metadata.registration_endpoint, {
      client_name: 'Element X',
      client_uri: 'https://app.element.example/',
      grant_types: [GRANT, 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    });
    const oauth = new OAuth2(metadata, {
      clientId: String(registered.body['client_id']),
      deviceId: DEVICE_ID,
    });
    const session = await oauth.startDeviceAuthorizationGrant();
    // The interval is for servers that are far away.
    return { oauth, session: { ...session, interval: 1 } };
  };

  const decide = async (uri: string | undefined, button: 'Allow' | 'Cancel'): Promise<void> => {
    const browser = createBrowser();
    await browser.open(uri ?? '');
    await browser.submit({ button: 'Continue' });
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    await browser.submit({ button });
  };

  it('and gets tokens for the device that it named', async () => {
    const { oauth, session } = await start();
    await decide(session.verification_uri_complete, 'Allow');
    const answer = await oauth.waitForDeviceAuthorizationGrant(session);
    if (!('access_token' in answer)) throw new Error(`refused: ${answer.error}`);
    expect(answer.refresh_token).toBeTypeOf('string');
    const me = await createClient({ baseUrl: gatehouse.url, accessToken: answer.access_token }).whoami();
    expect(me).toMatchObject({ user_id: '@alice:example.org', device_id: DEVICE_ID });
    const refreshed = await oauth.performRefreshTokenGrant(answer.refresh_token ?? '');
    expect(refreshed.access_token).not.toBe(answer.access_token);
  });

  it('and is told no when the person says no', async () => {
    const { oauth, session } = await start();
    await decide(session.verification_uri_complete, 'Cancel');
    expect(await oauth.waitForDeviceAuthorizationGrant(session)).toMatchObject({ error: 'access_denied' });
  });
});
