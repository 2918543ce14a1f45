/** Nothing of what a client sends to `/login` is in the log, whatever becomes of it. */
import { expect, it } from 'vitest';
import { createLog } from '../../../src/observability/log.ts';
import { startGatehouse } from '../../peers/gatehouse.ts';
import { ask } from '../../support/oauth-client.ts';

it('nothing of the body is in the log, and the reasons of refusals are', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  await using gatehouse = await startGatehouse({
    log,
    idp: { passwordGrant: true },
    env: { GATEHOUSE__LEGACY_LOGIN__PASSWORD: '{ allow_users: [canary-listed] }' },
  });
  const { accounts, passwords, faults } = gatehouse.idp;
  for (const login of ['canary-listed', 'canary-unlisted', 'canary-alias']) {
    accounts.set(login, { sub: `sub-${String(accounts.size)}`, preferred_username: login });
    passwords.set(login, 'canary-password');
  }
  const logIn = async (body: unknown): Promise<number> => {
    const answer = await ask(`${gatehouse.url}_matrix/client/v3/login`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return answer.status;
  };
  const password = (user: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user },
    password: 'canary-password',
    device_id: 'canary-device',
    initial_device_display_name: 'canary-name',
    ...more,
  });

  expect(await logIn(password('canary-listed'))).toBe(200);
  expect(await logIn(password('canary-listed', { password: 'canary-wrong' }))).toBe(403);
  expect(await logIn(password('canary-unlisted'))).toBe(403);
  expect(await logIn(password('@canary-listed:canary.example'))).toBe(403);
  expect(await logIn(password('canary unsound'))).toBe(403);
  expect(await logIn(password('canary-listed', { password: { canary: 1 } }))).toBe(400);
  expect(await logIn(password('canary-listed', { device_id: 'canary'.repeat(50) }))).toBe(400);
  expect(await logIn(password('canary-listed', { identifier: { type: 'canary-type' } }))).toBe(400);
  expect(await logIn({ type: 'canary-type', canary: 'canary' })).toBe(400);
  expect(await logIn({ type: 'm.login.token', token: 'canary-token' })).toBe(403);
  expect(await logIn('{"type":"m.login.password","password":"canary')).toBe(400);
  expect(await logIn('{"password":"canary","password":"canary"}')).toBe(400);
  expect(await logIn(password('canary-listed', { password: `canary${'x'.repeat(70_000)}` }))).toBe(413);
  faults.tokenStatus = 500;
  expect(await logIn(password('canary-listed'))).toBe(503);
  faults.tokenStatus = undefined;
  faults.tokenResponse = () => ({
    error: 'invalid_request',
    error_description: 'bad canary-password of canary-listed',
  });
  expect(await logIn(password('canary-listed'))).toBe(503);

  const text = lines.join('');
  expect(text).not.toContain('canary');
  for (const reason of [
    'legacy_login.password is on',
    'the IdP refused the password (invalid_grant)',
    'the user is not in allow_users',
    'a user ID of another server',
    'login token: malformed',
    'invalid_request, in words that repeat what was typed',
  ]) {
    expect(text).toContain(reason);
  }
});
