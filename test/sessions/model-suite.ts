/** Refresh against its model, over any order of lost answers, crashes, restarts, clock steps and two processes' handles on one store. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';
import { endSession } from '../../src/sessions/end.ts';
import { findAccess } from '../../src/verification/own-token.ts';
import { type Rotation, type RotationDeps, rotateTokens } from '../../src/sessions/rotate.ts';
import { cleanUp } from '../../src/storage/cleanup.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { forEachEngine } from '../support/database.ts';
import { type Pair, type SessionModel, lineagesInUse, sessionModel } from './model.ts';
import { type Step, TTL, steps } from './model-steps.ts';
import { type Core, sessionCore } from './support.ts';

class Crash extends Error {}

/** A process that dies after its work and before the commit. */
function crashing(deps: RotationDeps): RotationDeps {
  const { db } = deps;
  const write: Database['write'] = (work) =>
    db.write(async (tx) => {
      await work(tx);
      throw new Crash();
    });
  return { ...deps, db: { ...db, query: db.query, write } };
}

/** `GATEHOUSE_MODEL_RUNS` says how many scripts are played; default: `fallback`. */
export function describeModel(fallback: number): void {
  const wanted = Number(process.env['GATEHOUSE_MODEL_RUNS'] ?? fallback);
  forEachEngine((engine) => {
    // A restart costs PostgreSQL ten times as much.
    const runs = engine.name === 'sqlite' ? wanted : Math.ceil(wanted / 3);
    describe('refresh', () => {
      it.each([30_000, 0])(
        'does what its model does, with a grace of %d ms, and never refuses an honest caller',
        async (grace) => {
          const url = await engine.newUrl();
          const property = fc.asyncProperty(steps, async (script) => {
            await using run = await startRun(url, grace);
            for (const [handle, step] of script) await run.take(handle, step);
          });
          await fc.assert(property, { numRuns: runs });
        },
        20_000 + runs * 2_000,
      );
    });
  });
}

interface Run extends AsyncDisposable {
  take(handle: number, step: Step): Promise<void>;
}

async function startRun(url: string, grace: number): Promise<Run> {
  const late: { core?: Core } = {};
  const open = (): Promise<Database> =>
    openDatabase({
      url,
      clock: { now: () => late.core?.clock.now() ?? 0, monotonic: () => performance.now() },
      random: systemRandom,
    });
  // The third is the test's own, and never restarted.
  const handles = [await open(), await open(), await open()];
  const handleOf = (index: number): Database => {
    const db = handles[index];
    if (db === undefined) throw new Error('no such handle');
    return db;
  };
  const started = await sessionCore(handleOf(2), grace);
  late.core = started;
  const { clock } = started;
  const depsOf = (index: number): RotationDeps => ({ ...started, db: handleOf(index) });

  let model: SessionModel;
  let sessionId: string;
  /** What the honest client has, and had before. */
  let held: Pair;
  let before: Pair | undefined;
  /** Somebody else has had a hand in this session, or it was ended: refusals are in order. */
  let tainted: boolean;
  const begin = async (): Promise<void> => {
    const tokens = await started.begin();
    sessionId = tokens.sessionId;
    model = sessionModel(tokens, { ttl: TTL, grace, now: clock.now() });
    [held, before, tainted] = [model.pairs[0] as Pair, undefined, false];
  };
  await begin();

  const adopt = (pair: Pair): void => {
    if (pair !== held) before = held;
    held = pair;
  };
  const judge = (pair: Pair, rotation: Rotation): Pair | undefined => {
    const expected = model.present(pair, clock.now());
    if (!rotation.ok) {
      // A session that ended long ago is not remembered.
      if (expected === 'ended') expect(['ended', 'unknown']).toContain(rotation.reason);
      else expect(rotation.reason).toBe(expected);
      return undefined;
    }
    expect(rotation.how).toBe(expected);
    return model.issue(pair, expected, rotation.tokens, clock.now());
  };
  const present = async (handle: number, pair: Pair): Promise<Pair | undefined> =>
    judge(
      pair,
      await rotateTokens(depsOf(handle), { refreshToken: pair.refresh, clientId: started.clientId }),
    );
  const honest = (got: unknown): void => {
    if (!tainted) expect(got, 'an honest caller was refused').toBeTruthy();
  };

  const take = async (handle: number, step: Step): Promise<void> => {
    switch (step.do) {
      case 'refresh': {
        const got = await present(handle, held);
        honest(got);
        if (got !== undefined && !step.lost) adopt(got);
        return;
      }
      case 'race': {
        const callers = Array.from({ length: step.callers }, (_, index) =>
          rotateTokens(depsOf(index % 2), { refreshToken: held.refresh, clientId: started.clientId }),
        );
        const answers = await Promise.all(callers);
        // The order in which they came to the store is not known: who did more is judged first.
        answers.sort((a, b) => rank(a) - rank(b));
        const from = held;
        const got = answers.map((answer) => judge(from, answer));
        for (const pair of got) honest(pair);
        const pairs = new Set(answers.map((answer) => (answer.ok ? answer.tokens.accessToken : '')));
        if (!tainted) expect(pairs.size).toBe(1);
        const [pair] = got;
        if (pair !== undefined) adopt(pair);
        return;
      }
      case 'twin': {
        // Another tab of the same client, which has not heard of the last refresh yet: honest within the grace.
        const pair = before ?? held;
        const newest = held;
        const inTime =
          newest.usedAt === undefined ||
          (clock.now() <= newest.usedAt + grace &&
            grace > 0 &&
            newest.children.every((child) => child.usedAt === undefined));
        const got = await present(handle, pair);
        if (pair === held || (inTime && newest.parent === pair)) honest(got);
        else if (got === undefined) tainted = true;
        if (got !== undefined && pair === held) adopt(got);
        return;
      }
      case 'use': {
        const expected = model.use(held, held.access, clock.now());
        expect((await findAccess(depsOf(handle), held.access)).kind).toBe(expected ? 'active' : 'inactive');
        return;
      }
      case 'crash': {
        const dead = rotateTokens(crashing(depsOf(handle)), {
          refreshToken: held.refresh,
          clientId: started.clientId,
        });
        await expect(dead).rejects.toThrow(Crash);
        return;
      }
      case 'restart':
        await handleOf(handle).close();
        handles[handle] = await open();
        return;
      case 'cleanUp':
        await cleanUp({ database: handleOf(handle), now: clock.now() });
        return;
      case 'revoke':
        expect(await endSession(depsOf(handle), { sessionId, reason: 'revoked' })).toBe(model.live);
        model.live = false;
        tainted = true;
        return;
      case 'signInAgain':
        await begin();
        return;
      case 'oldRefresh': {
        const pair = model.pairs[step.which % model.pairs.length] as Pair;
        tainted ||= pair !== held;
        await present(handle, pair);
        return;
      }
      case 'oldAccess': {
        const pair = model.pairs[step.which % model.pairs.length] as Pair;
        tainted ||= pair !== held;
        const expected = model.use(pair, pair.access, clock.now());
        expect((await findAccess(depsOf(handle), pair.access)).kind).toBe(expected ? 'active' : 'inactive');
        return;
      }
      case 'wait':
        clock.advance(step.ms);
        return;
      case 'jump':
        clock.jump(step.ms);
        return;
    }
  };

  return {
    async take(handle, step) {
      await take(handle, step);
      expect(lineagesInUse(model)).toBeLessThanOrEqual(1);
      expect(await storedLineages(handleOf(1 - handle), sessionId)).toBeLessThanOrEqual(1);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(handles.map((db) => db.close()));
    },
  };
}

function rank(rotation: Rotation): number {
  if (rotation.ok) return rotation.how === 'rotated' || rotation.how === 'renewed' ? 0 : 1;
  return rotation.reason === 'replayed' ? 2 : 3;
}

/** As the store has it: refresh tokens of a live session that were used and can still be presented for the first time. */
async function storedLineages(db: Database, sessionId: string): Promise<number> {
  const rows = await db.query
    .selectFrom('refresh_tokens')
    .innerJoin('sessions', 'sessions.id', 'refresh_tokens.session_id')
    .select('refresh_tokens.hash')
    .where('sessions.id', '=', sessionId)
    .where('sessions.ended_at', 'is', null)
    .where('refresh_tokens.used_at', 'is not', null)
    .where('refresh_tokens.consumed_at', 'is', null)
    .execute();
  return rows.length;
}
