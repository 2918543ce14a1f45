/**
 * How many requests may be under way, from what was measured. While the event loop has time, what is under way waits for somebody else, and more of it costs nothing.
 * While it has none, each request waits for those before it: then no more are taken than it answers within the time that one may wait (Little's law).
 */

/** What happened in one tick, times in milliseconds. */
export interface Tick {
  /** Requests under way at its end. */
  readonly inFlight: number;
  /** Requests that were answered in it. */
  readonly answered: number;
  readonly took: number;
  /** How much later than due it ended. */
  readonly late: number;
  /** The part of it in which the event loop had something to do. */
  readonly utilization: number;
}

/** Requests under way from which on it is measured whether they are too many. So many are always taken. */
export const MEASURED_FROM = 64;
/** How many are taken before anything was measured. */
const FIRST = 512;
/** The part of a tick from which on the event loop has no time left. */
const BUSY = 0.9;
/** How long a request may wait for those before it, in milliseconds. */
const WAIT = 150;
/** How late the event loop may be, in milliseconds. */
const LATE = 200;

/** Before anything was measured. `limit` is the operator's. */
export function firstRoom(limit: number): number {
  return Math.min(limit, FIRST);
}

/** Whether the event loop is so late that what comes now would only wait. */
export function isTooLate({ late }: Pick<Tick, 'late'>): boolean {
  return late > LATE;
}

/** After a tick: half way to what can be done if the event loop is busy, twice as many if it is not and they are needed: what waits for somebody else costs nothing. */
export function nextRoom(room: number, limit: number, tick: Tick): number {
  if (tick.utilization > BUSY || isTooLate(tick)) {
    const doable = (tick.answered / tick.took) * WAIT;
    return Math.min(limit, (room + Math.max(MEASURED_FROM, doable)) / 2);
  }
  return Math.min(limit, tick.inFlight > room / 2 ? 2 * Math.max(room, tick.inFlight) : room);
}
