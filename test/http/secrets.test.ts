import { describe, expect, it } from 'vitest';
import { OAuthError } from '../../src/protocol/oauth-error.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import type { Handler } from '../../src/http/exchange.ts';
import { issueSecret } from '../../src/protocol/token-format.ts';
import { seededRandom } from '../support/clock.ts';
import { sendRaw, startApp } from './support.ts';

const random = seededRandom('canaries');
let count = 0;
/** A secret that must never be seen again, in one of the forms that secrets have. */
function canary(): string {
  count++;
  return count % 2 === 0
    ? issueSecret('refreshToken', random)
    : `canary-${String(count)}-${random(24).toString('base64url')}`;
}

describe('secrets of a request', () => {
  it('reach neither the log, nor the metrics, nor a refusal', async () => {
    const fail: Handler = (request) => {
      const failures: Record<string, () => unknown> = {
        bug: () =>
          new Error(
            `failed on ${request.form.get('refresh_token') ?? ''} for ${request.headers.authorization ?? ''}`,
          ),
        sql: () =>
          Object.assign(new Error('constraint failed'), {
            parameters: [request.form.get('password')],
            cause: new Error(`password=${request.form.get('password') ?? ''}`),
          }),
        down: () =>
          new Unavailable('the database', {
            cause: Object.assign(new Error('fetch failed'), { body: request.form.get('code') }),
          }),
        refused: () => new OAuthError('invalid_grant', 'the code is unknown'),
      };
      throw failures[request.form.get('how') ?? 'bug']?.();
    };
    await using app = await startApp({ handlers: { token: fail } });
    const canaries: string[] = [];
    const one = (): string => {
      const secret = canary();
      canaries.push(secret);
      return secret;
    };
    let answers = '';
    const post = async (path: string, body: string, type: string, method = 'POST'): Promise<void> => {
      const answer = await fetch(app.url + path, {
        method,
        body,
        headers: {
          'content-type': type,
          authorization: `Bearer ${one()}`,
          cookie: `gatehouse-x=${one()}`,
          referer: `https://h/?code=${one()}`,
          'user-agent': one(),
        },
      });
      answers += await answer.text();
    };
    const form = 'application/x-www-form-urlencoded';
    for (let round = 0; round < 40; round++) {
      for (const how of ['bug', 'sql', 'down', 'refused']) {
        await post(
          '/oauth2/token',
          `how=${how}&refresh_token=${one()}&password=${one()}&code=${one()}&state=${one()}`,
          form,
        );
      }
      await post('/oauth2/token', `code=${one()}&code=${one()}`, form);
      await post('/oauth2/token', `${one()}=1&%`, form);
      await post('/oauth2/token', `password=${one()}%ff`, form);
      await post('/oauth2/token', `{"password":"${one()}"}`, 'application/json');
      await post('/oauth2/registration', `{"display_name":"${one()}`, 'application/json');
      await post(
        '/oauth2/registration',
        `{"display_name":{"x":"${one()}"},"${one()}":1}`,
        'application/json',
      );
      await post('/oauth2/registration', `{"a":"${one()}","a":"${one()}"}`, 'application/json');
      await post('/_matrix/client/v3/thing', `{"password":"${one()}"`, 'application/json', 'PUT');
      await post('/_matrix/client/v3/thing', `["${one()}"]`, 'application/json', 'PUT');
      await post(`/_matrix/client/v3/${one()}?access_token=${one()}`, '{}', 'application/json');
      await post(`/${one()}/x?loginToken=${one()}`, '{}', 'application/json');
      answers += await (await fetch(`${app.url}/_matrix/client/v3/paint?colour=red&coats=${one()}`)).text();
      answers += await (await fetch(`${app.url}/_matrix/client/v3/paint?access_token=${one()}`)).text();
      answers += await (await fetch(`${app.url}/_matrix/client/v3/devices/%ff${one()}?code=${one()}`)).text();
      answers += await sendRaw(app.port, `GET /?code=${one()} HTTP/1.1\r\nx : ${one()}\r\n\r\n`);
    }
    const metrics = (await app.metrics.render()).text;
    expect(canaries.length).toBeGreaterThan(2000);
    for (const [where, text] of Object.entries({ log: app.logged.text(), metrics, answers })) {
      expect(text.length, where).toBeGreaterThan(100);
      expect(
        canaries.filter((secret) => text.includes(secret)),
        where,
      ).toEqual([]);
    }
    expect(answers).not.toMatch(/node:internal|\/src\/|\.ts:\d/);
    expect(app.logged.text()).toContain('constraint failed');
  });
});
