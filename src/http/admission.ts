/**
 * How many requests are worked on at once. Node parses whatever pipelined requests a connection sends and starts all of them, so without a bound a few hundred
 * connections can stall the process for seconds and take gigabytes. What does not fit is refused at once, which costs next to nothing; what ends or
 * prolongs a session is refused last, because a client needs it most.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../protocol/clock.ts';

export interface Admission {
  /** Whether there is room for one more. Counts nothing: for who asks before a route is looked for. A connection that floods is cut off. */
  hasRoom(socket: Socket, last: boolean): boolean;
  /** As `hasRoom`, and counts it in if there is; `leave` counts it out again. */
  enter(socket: Socket, last: boolean): boolean;
  leave(socket: Socket): void;
}

export interface AdmissionLimits {
  /** Requests under way in the process. Those that are shed last may be twice as many. */
  readonly inFlight: number;
}

/**
 * Unanswered requests of one connection above which it is read no further; and how many, unanswered or sent within one turn of the event loop, make it a
 * flood, which is cut off. Node performs all that it has read of a connection in one go, some 400 small requests, before anybody else gets a turn: a pause
 * alone bounds nothing. No client of ours pipelines, and who does must be ready for a connection that ends (RFC 9112 section 9.3.2).
 */
const PAUSE_ABOVE = 8;
const CUT_OFF_AT = 32;
/** How late the event loop may be, in milliseconds, while at least so many requests are under way: what has just come would only wait. */
const LAG_LIMIT = 200;
const LAG_COUNTS_ABOVE = 64;
const TICK = 50;

/** What one connection has sent. */
interface Traffic {
  unanswered: number;
  /** The turn of the event loop in which its newest request came, and how many came in it. */
  turn: number;
  inTurn: number;
}

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
  const traffic = new WeakMap<Socket, Traffic>();
  let turn = 0;
  let isTurnMarked = false;
  const trafficOf = (socket: Socket): Traffic => {
    let known = traffic.get(socket);
    if (known === undefined) traffic.set(socket, (known = { unanswered: 0, turn, inTurn: 0 }));
    return known;
  };
  const nextTurn = (): void => {
    turn++;
    isTurnMarked = false;
  };

  const hasRoom = (socket: Socket, last: boolean): boolean => {
    if (socket.destroyed) return false;
    const { unanswered, inTurn, turn: seen } = trafficOf(socket);
    if (unanswered >= CUT_OFF_AT || (seen === turn && inTurn >= CUT_OFF_AT)) {
      socket.destroy();
      return false;
    }
    return last ? inFlight < 2 * limit : inFlight < limit && !isLate;
  };

  return {
    hasRoom,
    enter(socket, last) {
      if (!hasRoom(socket, last)) return false;
      inFlight++;
      if (inFlight >= LAG_COUNTS_ABOVE && !isWatching) watch();
      if (!isTurnMarked) {
        isTurnMarked = true;
        setImmediate(nextTurn);
      }
      const known = trafficOf(socket);
      known.inTurn = known.turn === turn ? known.inTurn + 1 : 1;
      known.turn = turn;
      if (++known.unanswered > PAUSE_ABOVE) socket.pause();
      return true;
    },
    leave(socket) {
      inFlight--;
      const known = trafficOf(socket);
      if (--known.unanswered <= PAUSE_ABOVE && socket.isPaused()) socket.resume();
    },
  };
}
