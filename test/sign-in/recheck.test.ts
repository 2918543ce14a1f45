/** Rechecks by two processes on one database: each upstream refresh token is in one hand at a time. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import { newRecordId } from '../../src/protocol/identifiers.ts';
import { recheckPeople, type RecheckDeps } from '../../src/sign-in/recheck.ts';
import { keepUpstreamGrant } from '../../src/sign-in/upstream-grant.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { createSealer } from '../../src/storage/sealed.ts';
import { insertSession } from '../../src/storage/records/sessions.ts';
import { insertLink, insertUser } from '../../src/storage/records/users.ts';
import type { Provider } from '../../src/upstream/provider.ts';
import type { RefreshInput } from '../../src/upstream/login/refresh-identity.ts';
import { testClock } from '../support/clock.ts';
import { forEachEngine } from '../support/database.ts';

const ISSUER = 'https://idp.example.com';
const access = {
  require: [{ claim: 'groups', any_of: ['users'] }],
  deny: [],
  admin: [],
  explain: false,
  recheckEvery: 60_000,
};

forEachEngine((engine) => {
  /** An IdP that rotates its refresh tokens, and sees who presents which. */
  function scriptedIdp() {
    const presented: string[] = [];
    let turn = 0;
    const idp = {
      presented,
      beforeAnswer: (_input: RefreshInput): Promise<void> => delay(20),
      async refreshIdentity(input: RefreshInput) {
        presented.push(input.refreshToken);
        await idp.beforeAnswer(input);
        await input.onRotated(`rotated-${String(++turn)}`);
        return { claims: { sub: input.subject, groups: ['users'] }, isComplete: true };
      },
    };
    return idp;
  }

  async function world(people: number) {
    const url = await engine.newUrl();
    const handles = [await engine.open({ url }), await engine.open({ url })] as const;
    const clock = testClock();
    const idp = scriptedIdp();
    const sealer = createSealer(randomBytes(32), systemRandom);
    const provider = { id: 'main', refreshIdentity: idp.refreshIdentity } as unknown as Provider;
    const process = (db: Database): RecheckDeps => ({
      db,
      clock,
      random: systemRandom,
      sealer,
      serverName: 'example.org',
      isReserved: () => false,
      homeserver: noHomeserver,
      log: { warn: () => undefined },
      emit: () => undefined,
      providers: [provider],
      profilePolicy: { displayname: 'off', email: 'off', avatar: 'off' },
      operatorScopes: new Map(),
      providerRules: new Map([
        ['main', { name: 'main', claims: { localpart: 'sub', displayname: 'name', email: 'email' }, access }],
      ]),
    });
    const processes = [process(handles[0]), process(handles[1])] as const;
    const login = async (subject: string, refreshToken: string, userId = subject): Promise<void> => {
      await keepUpstreamGrant(processes[0], {
        access,
        providerId: 'main',
        userId,
        identity: { issuer: ISSUER, subject, claims: {}, refreshToken },
      });
    };
    for (let person = 0; person < people; person++) {
      const id = newRecordId(clock.now(), systemRandom);
      await handles[0].write(async (tx) => {
        const at = clock.now();
        await insertUser(tx, { id, localpart: id, created_at: at });
        await insertLink(tx, {
          issuer: ISSUER,
          subject: id,
          provider_id: 'main',
          user_id: id,
          created_at: at,
          last_login_at: at,
        });
        await insertSession(tx, {
          id,
          user_id: id,
          device_id: 'D',
          scope: 's',
          origin: 'authorization_code',
          created_at: at,
          last_active_at: at,
        });
      });
      await login(id, `first-${id}`);
    }
    const grants = () => handles[0].query.selectFrom('upstream_grants').selectAll().execute();
    return { processes, clock, idp, login, grants };
  }

  it('two processes at the same moment present each token once', async () => {
    const { processes, clock, idp } = await world(30);
    expect(await recheckPeople(processes[0])).toBe(0);
    for (let round = 1; round <= 3; round++) {
      clock.advance(60_000);
      const asked = await Promise.all(processes.map((each) => recheckPeople(each)));
      expect(asked[0]! + asked[1]!).toBe(30);
      expect(idp.presented).toHaveLength(30 * round);
      expect(new Set(idp.presented).size).toBe(30 * round);
    }
  });

  it('a rotated token is kept before its answer is judged, and sealed', async () => {
    const { processes, clock, idp, grants } = await world(1);
    clock.advance(60_000);
    const before = await grants();
    expect(JSON.stringify(before)).not.toContain('first-');
    let kept: unknown;
    const { refreshIdentity } = idp;
    (processes[0].providers[0] as { refreshIdentity: unknown }).refreshIdentity = async (
      input: RefreshInput,
    ) => {
      await refreshIdentity(input);
      kept = (await grants())[0]?.token_id;
      throw new Error('the process died here');
    };
    await expect(recheckPeople(processes[0])).rejects.toThrow('died');
    expect(kept).not.toBe(before[0]?.token_id);
    (processes[0].providers[0] as { refreshIdentity: unknown }).refreshIdentity = refreshIdentity;
    // Nobody takes it while it may still be in use; then the rotated one is presented.
    expect(await recheckPeople(processes[1])).toBe(0);
    clock.advance(6 * 60_000);
    expect(await recheckPeople(processes[1])).toBe(1);
    expect(idp.presented.at(-1)).toBe('rotated-1');
  });

  it('a login meanwhile has the last word: its token is the one that stays', async () => {
    const { processes, clock, idp, login, grants } = await world(1);
    clock.advance(60_000);
    idp.beforeAnswer = async ({ subject }) => {
      await login(subject, 'of the newer login');
    };
    expect(await recheckPeople(processes[0])).toBe(1);
    idp.beforeAnswer = () => Promise.resolve();
    clock.advance(60_000);
    expect(await grants()).toHaveLength(1);
    expect(await recheckPeople(processes[1])).toBe(1);
    expect(idp.presented.at(-1)).toBe('of the newer login');
  });
});
