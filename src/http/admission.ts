/**
 * How many requests are worked on at once. Node parses whatever pipelined requests a connection sends and starts all of them, so without a bound a few hundred
 * connections can stall the process for seconds and take gigabytes. What does not fit is refused at once, which costs next to nothing; what ends or
 * prolongs a session is refused last, because a client needs it most.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../protocol/clock.ts';

export interface Admission {
  /**
   * Counts a request in; `leave` counts it out again. `refused`: there is no room; `flooding`: this connection has sent far more requests than it
   * has answers to, and is closed.
   */
  enter(response: ServerResponse, last: boolean): 'admitted' | 'refused' | 'flooding';
  leave(socket: Socket): void;
}

export interface AdmissionLimits {
  /** Requests under way in the process. Those that are shed last may be twice as many. */
  readonly inFlight: number;
}

/** Unanswered requests of one connection above which nothing more is read from it, and above which it is closed. No client of ours pipelines at all. */
const PAUSE_ABOVE = 8;
const CLOSE_ABOVE = 32;
/** How late the event loop may be, in milliseconds, while at least so many requests are under way: what has just come would only wait. */
const LAG_LIMIT = 200;
const LAG_COUNTS_ABOVE = 64;
const TICK = 50;

/** For one listener. */
export function createAdmission(
  clock: Pick<Clock, 'monotonic'>,
  { inFlight: limit }: AdmissionLimits,
): Admission {
  let inFlight = 0;
  let isLate = false;
  let isWatching = false;
  /** Looks whether a timer comes in time, while there is enough to do for it to matter. */
  const watch = (): void => {
    isWatching = true;
    const expected = clock.monotonic() + TICK;
    setTimeout(() => {
      isWatching = inFlight >= LAG_COUNTS_ABOVE;
      isLate = isWatching && clock.monotonic() - expected > LAG_LIMIT;
      if (isWatching) watch();
    }, TICK).unref();
  };
  const unanswered = new WeakMap<Socket, number>();

  return {
    enter(response, last) {
      const { socket } = response.req;
      const ofConnection = (unanswered.get(socket) ?? 0) + 1;
      if (ofConnection > CLOSE_ABOVE) return 'flooding';
      const isFull = inFlight >= limit || isLate;
      if (last ? inFlight >= 2 * limit : isFull) return 'refused';
      inFlight++;
      if (inFlight >= LAG_COUNTS_ABOVE && !isWatching) watch();
      unanswered.set(socket, ofConnection);
      if (ofConnection > PAUSE_ABOVE) socket.pause();
      return 'admitted';
    },
    leave(socket) {
      inFlight--;
      const left = (unanswered.get(socket) ?? 1) - 1;
      unanswered.set(socket, left);
      if (left <= PAUSE_ABOVE && socket.isPaused()) socket.resume();
    },
  };
}
