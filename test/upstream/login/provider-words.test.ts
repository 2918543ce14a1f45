/** How much of a provider's words reaches the log: `error` and `error_description`, bounded, and no secret of ours in them. */
import { expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import { startForgedIdp } from '../support/forged-idp.ts';
import { sendJson } from '../support/scripted-server.ts';

async function reasonFor(body: unknown, settings = {}): Promise<string> {
  await using idp = await startForgedIdp(settings);
  idp.token = (response) => {
    sendJson(response, body, {}, 400);
  };
  const error: unknown = await idp.login().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UpstreamRefusal);
  expect(idp.log.text()).not.toMatch(/canary/);
  return (error as UpstreamRefusal).reason;
}

it.each<[string, string, string]>([
  ['ordinary words', 'the code has expired', '(the code has expired)'],
  ['the code that was sent', 'unknown code code-canary', '(unknown code [redacted])'],
  ['the code twice', 'code-canary code-canary', '([redacted] [redacted])'],
  ['the verifier', `no match: ${'verifier-canary'.repeat(4)}`, '(no match: [redacted])'],
  ['the client secret', 'wrong secret idp-secret-canary!', '(wrong secret [redacted]!)'],
  ['line breaks and markup', 'a\nb\u0000<b>é', '(a?b?<b>?)'],
  ['no words', '', 'invalid_grant'],
])('%s', async (_name, words, told) => {
  const reason = await reasonFor(
    { error: 'invalid_grant', error_description: words },
    { token_endpoint_auth_method: 'client_secret_post' },
  );
  expect(reason).toContain(told);
  expect(reason).not.toMatch(/canary|\n/);
});

it.each<[string, unknown]>([
  ['too many words', { error: 'invalid_grant', error_description: 'x'.repeat(5000) }],
  ['words that are a list', { error: 'invalid_grant', error_description: ['code-canary'] }],
  ['other members', { error: 'invalid_grant', trace: 'canary', error_uri: 'https://idp.example/canary' }],
  ['a long code of the error', { error: 'e'.repeat(5000) }],
  ['no error at all', { message: 'canary', code: 'code-canary' }],
  ['a text', 'canary'],
])('of %s no more than a line is told', async (_name, body) => {
  const reason = await reasonFor(body);
  expect(reason.length).toBeLessThan(350);
  expect(reason).not.toMatch(/canary/);
});
