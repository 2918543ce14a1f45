/** Whatever of a person could still become a session comes to nothing, by every way out that there is. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { excludePerson } from '../../src/people/exclude.ts';
import { deactivatePerson, lockPerson } from '../../src/people/people.ts';
import { signOutEverywhere } from '../../src/people/sign-out.ts';
import { hashSecret, type SecretHash } from '../../src/protocol/token-format.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import { createSealer } from '../../src/storage/sealed.ts';
import { findPeopleOfSid, voidPending } from '../../src/storage/personal-data.ts';
import { insertAccountSession } from '../../src/storage/records/account-sessions.ts';
import { insertAuthorizationCode } from '../../src/storage/records/authorizations.ts';
import { insertDeviceGrant } from '../../src/storage/records/device-grants.ts';
import { insertLoginToken } from '../../src/storage/records/login-tokens.ts';
import { insertSignIn } from '../../src/storage/records/sign-ins.ts';
import { insertUser } from '../../src/storage/records/users.ts';
import { type Core, sessionCore } from '../sessions/support.ts';
import { forEachEngine } from '../support/database.ts';

/** What a person has under way: one of each kind, by the name that `pendingOf` gives it. */
async function begin(core: Core, userId: string, name: string, sid: string | null): Promise<void> {
  const now = core.clock.now();
  const hash = hashSecret(name);
  const times = { created_at: now, expires_at: now + 600_000 };
  const whose = { user_id: userId, authenticated_at: null, upstream_sid: sid };
  await core.db.write(async (tx) => {
    await insertSignIn(tx, {
      id: `sign-in ${name}`,
      purpose: 'authorization',
      browser_hash: hash,
      prompt: null,
      max_age: null,
      login_hint: null,
      acr_values: null,
      provider_id: 'main',
      upstream_state_hash: null,
      upstream_sealed: null,
      finished_at: null,
      ...whose,
      ...times,
    });
    await insertAuthorizationCode(tx, createSealer(randomBytes(32), systemRandom), {
      hash,
      client_id: core.clientId,
      redirect_uri: 'https://app.example/callback',
      code_challenge: 'x',
      scope: 'urn:matrix:client:api:*',
      nonce: null,
      device_id: 'D',
      consumed_at: null,
      session_id: null,
      ...whose,
      ...times,
    });
    await insertLoginToken(tx, { hash, consumed_at: null, ...whose, ...times });
    await insertAccountSession(tx, { hash, ...whose, ...times });
    await insertDeviceGrant(tx, {
      hash,
      user_code_hash: hash,
      client_id: core.clientId,
      scope: 'urn:matrix:client:api:*',
      device_id: 'D',
      address: '192.0.2.1',
      interval_seconds: 5,
      polled_at: null,
      sign_in_id: null,
      decision: 'allowed',
      consumed_at: null,
      session_id: null,
      ...whose,
      ...times,
    });
  });
}

/** Kinds of which a row of this person is still pending. */
async function pendingOf({ db }: Core, userId: string): Promise<string[]> {
  const found: string[] = [];
  const count = async (kind: string, rows: Promise<unknown[]>): Promise<void> => {
    if ((await rows).length > 0) found.push(kind);
  };
  const q = db.query;
  await count(
    'sign-in',
    q
      .selectFrom('sign_ins')
      .select('id')
      .where('user_id', '=', userId)
      .where('finished_at', 'is', null)
      .execute(),
  );
  await count(
    'code',
    q.selectFrom('authorization_codes').select('hash').where('user_id', '=', userId).execute(),
  );
  await count(
    'login token',
    q.selectFrom('login_tokens').select('hash').where('user_id', '=', userId).execute(),
  );
  await count(
    'device grant',
    q.selectFrom('device_grants').select('hash').where('user_id', '=', userId).execute(),
  );
  await count(
    'account session',
    q.selectFrom('account_sessions').select('hash').where('user_id', '=', userId).execute(),
  );
  return found;
}

const everything = ['sign-in', 'code', 'login token', 'device grant', 'account session'];

forEachEngine((engine) => {
  let core: Core;
  beforeEach(async () => {
    core = await sessionCore(await engine.open());
    await core.db.write((tx) =>
      insertUser(tx, {
        id: 'bystander',
        localpart: 'bystander',
        displayname: null,
        created_at: 0,
        locked_at: null,
        deactivated_at: null,
      }),
    );
    await begin(core, core.userId, 'mine', 'sid 1');
    await begin(core, 'bystander', 'theirs', 'sid 2');
  });

  describe('what is under way comes to nothing', () => {
    it.each<[string, (of: Core) => Promise<unknown>]>([
      [
        'when the person signs out everywhere',
        (of) => signOutEverywhere(of, { userId: of.userId, reason: 'logged_out' }),
      ],
      [
        'when an operator ends it',
        (of) => signOutEverywhere(of, { userId: of.userId, reason: 'ended_by_admin' }),
      ],
      ['when the person is locked', (of) => lockPerson(of, of.userId)],
      ['when the person is deactivated', (of) => deactivatePerson(of, of.userId)],
      [
        'when the access rules exclude them',
        (of) => excludePerson(of, { userId: of.userId, provider: 'main', reason: 'x' }),
      ],
      [
        'when the provider ends that session',
        (of) => of.db.write((tx) => voidPending(tx, { userId: of.userId, at: of.clock.now(), sid: 'sid 1' })),
      ],
    ])('%s', async (_when, act) => {
      expect(await pendingOf(core, core.userId)).toEqual(everything);
      await act(core);
      expect(await pendingOf(core, core.userId)).toEqual([]);
      expect(await pendingOf(core, 'bystander')).toEqual(everything);
    });
  });

  it('what came of another session at the provider stays', async () => {
    await core.db.write((tx) =>
      voidPending(tx, { userId: core.userId, at: core.clock.now(), sid: 'another' }),
    );
    expect(await pendingOf(core, core.userId)).toEqual(everything);
  });

  it('the browser that asks keeps its own account page', async () => {
    const except = hashSecret('mine');
    await signOutEverywhere(core, { userId: core.userId, reason: 'ended_by_user', except });
    // Codes and tokens are named by other secrets; here they share one for brevity, so only the cookie session is looked at.
    expect(await pendingOf(core, core.userId)).toContain('account session');
    await signOutEverywhere(core, {
      userId: core.userId,
      reason: 'ended_by_user',
      except: 'x' as SecretHash,
    });
    expect(await pendingOf(core, core.userId)).toEqual([]);
  });

  it('what has been redeemed stays, so that a replay is noticed', async () => {
    await core.db.write((tx) => tx.updateTable('authorization_codes').set({ consumed_at: 1 }).execute());
    await signOutEverywhere(core, { userId: core.userId, reason: 'logged_out' });
    expect(await pendingOf(core, core.userId)).toEqual(['code']);
  });

  it('the session at the provider tells whose it is before there is a session here', async () => {
    expect(await findPeopleOfSid(core.db.query, 'sid 1')).toEqual([core.userId]);
    expect(await findPeopleOfSid(core.db.query, 'sid 3')).toEqual([]);
  });
});
