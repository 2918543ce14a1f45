/**
 * How many requests are worked on at once. Node parses whatever pipelined requests a connection sends and starts all of them, so without a bound a few hundred
 * connections can stall the process for seconds and take gigabytes. What does not fit is refused at once, which costs next to nothing; what ends or
 * prolongs a session is refused last, because a client needs it most.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../protocol/clock.ts';
import { firstRoom, isTooLate, MEASURED_FROM, nextRoom } from './room.ts';

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
 * alone bounds nothing. No known client pipelines, and one that does must be ready for a connection that ends (RFC 9112 section 9.3.2).
 */
const PAUSE_ABOVE = 8;
const CUT_OFF_AT = 32;
const TICK = 50;

/** What is none of the answers that the parser knows. */
const STOP_PARSING = -1;

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
  let answered = 0;
  let room = firstRoom(limit);
  let isLate = false;
  let isWatching = false;
  /** Measures, while there is enough to do for it to matter. */
  const watch = (): void => {
    isWatching = true;
    answered = 0;
    const began = clock.monotonic();
    const used = performance.eventLoopUtilization();
    setTimeout(() => {
      const took = clock.monotonic() - began;
      isWatching = inFlight >= MEASURED_FROM;
      const { utilization } = performance.eventLoopUtilization(used);
      const tick = { inFlight, answered, took, late: took - TICK, utilization };
      isLate = isWatching && isTooLate(tick);
      room = isWatching ? nextRoom(room, limit, tick) : firstRoom(limit);
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
      cutOff(socket);
      return false;
    }
    return last ? inFlight < 2 * room : inFlight < room && !isLate;
  };

  return {
    hasRoom,
    enter(socket, last) {
      if (!hasRoom(socket, last)) return false;
      inFlight++;
      if (inFlight >= MEASURED_FROM && !isWatching) watch();
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
      answered++;
      const known = trafficOf(socket);
      if (--known.unanswered <= PAUSE_ABOVE && socket.isPaused()) socket.resume();
    },
  };
}

/**
 * Ends a connection, and has Node's parser stop at once: it would make a request, to be kept until the connection has closed, of everything that it has read
 * already. The parser is Node's own affair, so nothing depends on it (test/http/admission.test.ts says whether it still works).
 */
function cutOff(socket: Socket & { readonly parser?: { onIncoming: unknown } | null }): void {
  if (typeof socket.parser?.onIncoming === 'function') socket.parser.onIncoming = () => STOP_PARSING;
  socket.destroy();
}
