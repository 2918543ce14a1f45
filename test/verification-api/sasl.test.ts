/** A mail or chat server asks whose an initial response is. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Answer, ask } from '../support/oauth-client.ts';
import { sendJson } from '../upstream/support/scripted-server.ts';
import { startTokenService, type TokenService } from '../verification/service.ts';

const secret = 'shared-with-the-mail-server';
let service: TokenService;
let asked = 0;

beforeAll(async () => {
  service = await startTokenService(
    {
      sasl: {
        enabled: true,
        secret,
        mechanisms: ['OAUTHBEARER', 'XOAUTH2', 'X-OAUTH2', 'PLAIN'],
        username: '{localpart}@mail.example.org',
        required_scope: ['mail'],
        password: { provider: 'main', username: '{localpart}@idp' },
      },
      limits: { password_failures_per_account: 3, password_failures_per_address: 20 },
    },
    { tokens: { strategies: ['jwt'] } },
  );
  service.peer.answer = (request, response) => {
    if (request.path === '/token') {
      asked++;
      const form = new URLSearchParams(request.body);
      const isRight = form.get('username') === 'alice@idp' && form.get('password') === 'p&ss wörd';
      if (isRight) sendJson(response, { access_token: 'x', token_type: 'Bearer', scope: 'openid' });
      else sendJson(response, { error: 'invalid_grant' }, {}, 400);
    } else if (request.path === '/me') {
      sendJson(response, { sub: 'sub-of-alice', preferred_username: 'alice' });
    } else response.writeHead(404).end();
  };
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

function sasl(
  mechanism: string,
  text: string,
  more: Record<string, string> = {},
  bearer: string | undefined = secret,
): Promise<Answer> {
  return ask(`${service.url}verify/sasl`, {
    method: 'POST',
    headers: bearer === '' ? {} : { authorization: `Bearer ${bearer}` },
    body: new URLSearchParams({ mechanism, initial_response: Buffer.from(text).toString('base64'), ...more }),
  });
}

const token = (changes: Record<string, unknown> = {}): Promise<string> =>
  service.tokenFor('alice', 'X', { scope: 'mail', ...changes });

describe('a server that asks', () => {
  it('is told who it is, in its own words', async () => {
    const answer = await sasl(
      'OAUTHBEARER',
      `n,a=alice@mail.example.org,\x01auth=Bearer ${await token()}\x01\x01`,
    );
    expect(answer.body).toEqual({
      ok: true,
      username: 'alice@mail.example.org',
      localpart: 'alice',
      user_id: '@alice:example.org',
      subject: 'sub-of-alice',
      client_id: 'an-app',
      scope: 'mail',
      expires_in: expect.any(Number),
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test.each<[string, (good: string) => string]>([
    ['XOAUTH2', (good) => `user=alice\x01auth=Bearer ${good}\x01\x01`],
    ['xoauth2', (good) => `user=@alice:example.org\x01auth=Bearer ${good}\x01\x01`],
    ['X-OAUTH2', (good) => `\0alice\0${good}`],
    ['PLAIN', (good) => `\0alice@example.org\0${good}`],
  ])('by %s too', async (mechanism, text) => {
    expect((await sasl(mechanism, text(await token()))).body).toMatchObject({ ok: true, localpart: 'alice' });
  });

  it('is told what to send a client that is refused, and nothing about anybody', async () => {
    const answer = await sasl('OAUTHBEARER', 'n,a=alice,\x01auth=Bearer made-up\x01\x01');
    expect(answer.status).toBe(200);
    const { challenge, ...rest } = answer.body;
    expect(rest).toEqual({ ok: false, status: 'invalid_token' });
    expect(JSON.parse(Buffer.from(String(challenge), 'base64').toString())).toEqual({
      status: 'invalid_token',
      scope: 'mail',
      'openid-configuration': `${service.url}.well-known/openid-configuration`,
    });
  });

  test.each<[string, () => Promise<Answer>, Record<string, unknown>]>([
    [
      'a token without the scope',
      async () => sasl('X-OAUTH2', `\0alice\0${await token({ scope: 'x' })}`),
      { ok: false, status: 'insufficient_scope' },
    ],
    [
      'a token without the scope that was asked for',
      async () => sasl('X-OAUTH2', `\0alice\0${await token()}`, { scope: 'calendar' }),
      { ok: false, status: 'insufficient_scope' },
    ],
    [
      'the token of somebody else',
      async () => sasl('X-OAUTH2', `\0bob\0${await token()}`),
      { ok: false, status: 'invalid_token' },
    ],
    ['half a response', () => sasl('PLAIN', 'x'), { ok: false, status: 'invalid_request' }],
  ])('is told of %s', async (_name, send, body) => {
    expect((await send()).body).toEqual(body);
  });

  test.each([
    ['without its secret', '', 401],
    ['with another secret', 'wrong', 401],
  ])('%s is told nothing', async (_name, bearer, status) => {
    const answer = await sasl('X-OAUTH2', `\0alice\0${await token()}`, {}, bearer);
    expect(answer).toMatchObject({ status, body: { error: 'invalid_client' } });
  });

  it('about a mechanism that is unknown is 400', async () => {
    expect((await sasl('SCRAM-SHA-256', 'x')).status).toBe(400);
    expect((await sasl('', 'x')).status).toBe(400);
  });
});

describe('a password with PLAIN', () => {
  it('signs in whom the provider says that it is', async () => {
    const answer = await sasl('PLAIN', '\0alice@mail.example.org\0p&ss wörd', { address: '192.0.2.1' });
    expect(answer.body).toMatchObject({ ok: true, localpart: 'alice', scope: '' });
  });

  it('that is wrong, and a name that is nobody, are one answer', async () => {
    const wrong = await sasl('PLAIN', '\0alice\0wrong', { address: '192.0.2.2' });
    const nobody = await sasl('PLAIN', '\0no body\0wrong', { address: '192.0.2.2' });
    expect(wrong.body).toEqual({ ok: false, status: 'invalid_token' });
    expect(nobody.body).toEqual(wrong.body);
    expect(service.lines.join('')).not.toContain('wörd');
  });

  it('that is wrong too often is 429, and the provider is not asked any more', async () => {
    for (let i = 0; i < 3; i++) await sasl('PLAIN', '\0carol\0wrong', { address: '192.0.2.3' });
    const before = asked;
    const answer = await sasl('PLAIN', '\0carol\0wrong', { address: '192.0.2.4' });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(asked).toBe(before);
  });

  it('while the provider is down is 503, and counts for nothing', async () => {
    await service.peer.idp.server.goDown();
    try {
      for (let i = 0; i < 5; i++) {
        const answer = await sasl('PLAIN', '\0dave\0right', { address: '192.0.2.5' });
        expect(answer.status).toBe(503);
      }
    } finally {
      await service.peer.idp.server.comeBack();
    }
    expect((await sasl('PLAIN', '\0dave\0wrong', { address: '192.0.2.5' })).status).toBe(200);
  });
});
