/** ID tokens that only the client secret verifies: no keys of the provider are needed. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import { startForgedIdp, type ForgedIdp } from '../support/forged-idp.ts';
import { sendJson } from '../support/scripted-server.ts';

const SECRET = 'idp-secret-canary';

function signWith(idp: ForgedIdp, secret: string): void {
  idp.token = async (response, good) => {
    const answer = await good();
    const [, payload = ''] = String(answer['id_token']).split('.');
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
    const mac = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
    sendJson(response, { ...answer, id_token: `${header}.${payload}.${mac}` });
  };
}

describe('with symmetric algorithms only', () => {
  it.each<[string, (idp: ForgedIdp) => void]>([
    ['no jwks_uri', (idp) => void (idp.metadata = { jwks_uri: undefined })],
    ['a null jwks_uri', (idp) => void (idp.metadata = { jwks_uri: null })],
    ['an empty jwks_uri', (idp) => void (idp.metadata = { jwks_uri: '' })],
    ['an http jwks_uri', (idp) => void (idp.metadata = { jwks_uri: 'http://idp.example/keys' })],
    ['an empty set', (idp) => void (idp.keys = [])],
    ['a set that cannot be had', (idp) => void (idp.metadata = { jwks_uri: `${idp.issuer}/nowhere` })],
  ])('%s is sound: people sign in, and nothing is stale', async (_name, change) => {
    await using idp = await startForgedIdp({ id_token_algorithms: ['HS256'] });
    change(idp);
    signWith(idp, SECRET);
    await idp.provider.refresh();
    expect((await idp.login()).subject).toBe('sub-of-alice');
    expect(idp.provider.state()).toMatchObject({ metadata: 'fresh', keys: 'fresh' });
    expect(idp.provider.state()).not.toHaveProperty('lastError');
    expect(idp.server.count('/jwks')).toBe(0);
  });

  it('another secret, and a key of the provider, verify nothing', async () => {
    await using idp = await startForgedIdp({ id_token_algorithms: ['HS256'] });
    signWith(idp, 'another');
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
    idp.token = undefined;
    await expect(idp.login()).rejects.toThrow(/HS256/);
  });

  it.each([[['HS256', 'ES256']], [['ES256']], [undefined]])('%j needs keys', async (algorithms) => {
    await using idp = await startForgedIdp({ id_token_algorithms: algorithms });
    idp.metadata = { jwks_uri: undefined };
    await idp.provider.refresh();
    expect(idp.provider.state()).toMatchObject({ metadata: 'none' });
    expect(idp.provider.state().lastError).toContain('no jwks_uri');
  });
});
