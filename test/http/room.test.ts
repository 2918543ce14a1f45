import { describe, expect, it } from 'vitest';
import { firstRoom, isTooLate, nextRoom, type Tick } from '../../src/http/room.ts';

const LIMIT = 2048;
const idle: Tick = { inFlight: 100, answered: 10, took: 50, late: 0, utilization: 0.2 };
/** 2,000 answers a second. */
const busy: Tick = { inFlight: 500, answered: 100, took: 50, late: 0, utilization: 1 };

/** The room after so many ticks of a kind. */
const after = (ticks: number, tick: Tick, room = 512): number => {
  for (let each = 0; each < ticks; each++) room = nextRoom(room, LIMIT, tick);
  return Math.round(room);
};

describe('the room for requests', () => {
  it.each<[string, number, Tick, number]>([
    ['is half way to what can be done in the time that one may wait, while the loop is busy', 1, busy, 406],
    ['gets there', 20, busy, 300],
    ['is smaller on a slower machine', 20, { ...busy, answered: 30 }, 90],
    ['is never less than what is not measured', 20, { ...busy, answered: 0 }, 64],
    ['counts the whole of a tick that was late', 20, { ...busy, took: 500, late: 450, utilization: 0.5 }, 64],
    ['grows back where the machine can do more', 20, { ...busy, answered: 400 }, 1200],
    ['doubles while the loop has time and it is needed', 1, { ...idle, inFlight: 500 }, 1024],
    ['is at once twice what waits for somebody else', 1, { ...idle, inFlight: 640 }, 1280],
    ['doubles up to what the operator allows', 5, { ...idle, inFlight: 2000 }, LIMIT],
    ['stays as it is while it is not needed', 5, idle, 512],
  ])('%s', (_what, ticks, tick, room) => {
    expect(after(ticks, tick)).toBe(room);
  });

  it.each([
    [10, 10],
    [512, 512],
    [100_000, 512],
  ])('begins within the limit of %d', (limit, room) => {
    expect(firstRoom(limit)).toBe(room);
    expect(nextRoom(room, limit, { ...idle, inFlight: room })).toBeLessThanOrEqual(limit);
  });

  it('is none where the loop is late by more than a fifth of a second', () => {
    expect([0, 200, 201].map((late) => isTooLate({ late }))).toEqual([false, false, true]);
  });
});
