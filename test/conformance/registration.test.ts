/** Who may register a client, and what becomes of it. Black box. */
import { describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Answer, ask, postJson, registerTestClient } from '../support/oauth-client.ts';

const sound = {
  client_uri: 'https://app.example.com/',
  redirect_uris: ['https://app.example.com/cb'],
  token_endpoint_auth_method: 'none',
};

const register = (at: Gatehouse, more: Record<string, unknown> = {}): Promise<Answer> =>
  postJson(`${at.url}oauth2/registration`, { ...sound, ...more });

describe('registration', () => {
  it('gives a client that names no authentication method a secret, as RFC 7591 says', async () => {
    await using gatehouse = await startGatehouse({ validateResponses: true });
    const answer = await register(gatehouse, { token_endpoint_auth_method: undefined });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        token_endpoint_auth_method: 'client_secret_basic',
        client_secret: expect.stringMatching(/^gcs_/),
        client_secret_expires_at: 0,
      },
    });
    const again = await register(gatehouse, { token_endpoint_auth_method: undefined });
    expect(again.body['client_id']).not.toBe(answer.body['client_id']);
    expect(again.body['client_secret']).not.toBe(answer.body['client_secret']);
    const other = await register(gatehouse);
    expect(other.body).toMatchObject({ token_endpoint_auth_method: 'none' });
    expect(other.body).not.toHaveProperty('client_secret');
  });

  it('takes no wildcard for a host in a redirect URI', async () => {
    await using gatehouse = await startGatehouse({ validateResponses: true });
    for (const redirectUri of ['https://*.app.example.com/cb', 'https://a$b.app.example.com/']) {
      expect(await register(gatehouse, { redirect_uris: [redirectUri] })).toMatchObject({
        status: 400,
        body: {
          error: 'invalid_redirect_uri',
          error_description: expect.stringContaining('redirect_uris[0]'),
        },
      });
    }
  });

  it('or tells it that it is public, where the operator says so', async () => {
    await using gatehouse = await startGatehouse({
      validateResponses: true,
      yaml: 'registration: { omitted_auth_method: none }',
    });
    const answer = await register(gatehouse, { token_endpoint_auth_method: undefined });
    expect(answer).toMatchObject({ status: 201, body: { token_endpoint_auth_method: 'none' } });
    expect(answer.body).not.toHaveProperty('client_secret');
  });

  it('is refused where it is off, and the endpoint stays in the metadata, which must have it', async () => {
    await using gatehouse = await startGatehouse({
      validateResponses: true,
      yaml: 'registration: { mode: off }',
    });
    const answer = await register(gatehouse);
    expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { body } = await ask(`${gatehouse.url}_matrix/client/v1/auth_metadata`);
    expect(body['registration_endpoint']).toBe(`${gatehouse.url}oauth2/registration`);
  });

  it('by list is for the hosts of the list', async () => {
    await using gatehouse = await startGatehouse({
      yaml: 'registration: { mode: allow_list, allowed_hosts: [app.example.com, "*.example.org"] }',
    });
    const at = async (host: string): Promise<number> =>
      (await register(gatehouse, { client_uri: `https://${host}/`, redirect_uris: [`https://${host}/cb`] }))
        .status;
    for (const host of ['app.example.com', 'a.example.org', 'b.a.example.org'])
      expect(await at(host)).toBe(201);
    for (const host of [
      'example.com',
      'x.app.example.com',
      'example.org',
      'aexample.org',
      'app.example.com.evil.com',
    ]) {
      expect(await at(host), host).toBe(403);
    }
    const refused = await register(gatehouse, {
      client_uri: 'https://evil.com/',
      redirect_uris: ['https://evil.com/'],
    });
    expect(refused.body).toMatchObject({ error: 'invalid_client_metadata' });
  });

  it.each([
    [['https://app.example.com/cb'], 201],
    [['https://sub.app.example.com/cb'], 403],
    [['com.example.app:/cb'], 201],
    [['com.example.app.beta:/cb'], 403],
    [['http://127.0.0.1/cb'], 403],
    [['https://app.example.com/cb', 'http://localhost/cb'], 403],
    [['https://app.example.com/cb', 'com.example.app:/cb'], 201],
    [[], 403],
  ])('by list is for those whose answers go there: %s', async (redirectUris, status) => {
    await using gatehouse = await startGatehouse({
      yaml: 'registration: { mode: allow_list, allowed_hosts: [app.example.com], allowed_schemes: [com.example.app] }',
    });
    const answer = await register(gatehouse, {
      client_uri: 'https://app.example.com/',
      application_type: 'native',
      redirect_uris: redirectUris,
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    });
    expect(answer.status).toBe(status);
  });

  it('is 503 for who registers much while there are as many as may be; clients that are known go on', async () => {
    await using gatehouse = await startGatehouse({
      yaml: 'registration: { clients_cap: 2 }\nlimits: { registrations_per_address: 10 }',
    });
    const client = await registerTestClient(gatehouse);
    const tokens = await client.tokens();
    expect((await register(gatehouse)).status).toBe(201);
    const full = await register(gatehouse, { client_name: 'one more' });
    expect(full.status).toBe(503);
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await register(gatehouse)).status).toBe(201);
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
  });
});
