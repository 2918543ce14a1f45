/** Paths with their operations: what each method of a path is answered by, those that it does not have included. */
import type { Dialect } from './exchange.ts';
import { RequestFault } from './fault.ts';
import type { Operation } from './openapi.ts';
import { compareTemplates } from './paths.ts';

/** The operations of one path, by method. */
export interface RoutePlace {
  readonly operations: Map<string, Operation>;
  /** Answers every method that the path does not have. */
  readonly otherMethods: Operation;
  readonly options: Operation;
}

/** What operations have in common that no document describes. */
export const undocumented = {
  also: [],
  rest: false,
  cors: false,
  body: 'none',
  bodyRequired: false,
  hot: false,
  contentError: 'invalid_request',
  bareFailures: false,
  shedLast: false,
} as const;

/** Routes by their path in the syntax of Express, literal segments before parameters. Throws if two answer the same. */
export function createPlaces(
  routes: readonly { path: string; operation: Operation }[],
): ReadonlyMap<string, RoutePlace> {
  const places = new Map<string, RoutePlace>();
  for (const { path, operation } of [...routes].sort((a, b) => compareTemplates(a.path, b.path))) {
    const { dialect, cors, method } = operation;
    let place = places.get(path);
    if (place === undefined) {
      const methods = new Map<string, Operation>();
      place = { operations: methods, ...methodOperations(methods, dialect, cors) };
      places.set(path, place);
    }
    if (place.operations.has(method)) throw new Error(`${method} ${path} is there twice`);
    place.operations.set(method, operation);
  }
  return places;
}

/** What a path answers to OPTIONS and to the methods that it does not have. */
function methodOperations(
  operations: ReadonlyMap<string, Operation>,
  dialect: Dialect,
  cors: boolean,
): Pick<RoutePlace, 'otherMethods' | 'options'> {
  const allow = (): string => {
    const methods = [...operations.keys()];
    return [...methods, ...(operations.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  };
  const shared = { ...undocumented, path: '', dialect, cors };
  const otherMethods: Operation = {
    ...shared,
    operationId: 'unmatched',
    method: '*',
    handler: () => {
      throw new RequestFault('method', 405, 'M_UNRECOGNIZED', 'this path does not have this method', {
        headers: { allow: allow() },
      });
    },
  };
  // An answer of 2xx would let a request pass.
  if (dialect === 'verification') return { options: otherMethods, otherMethods };
  return {
    otherMethods,
    options: {
      ...shared,
      operationId: 'preflight',
      method: 'OPTIONS',
      handler: () => ({ status: 204, headers: { allow: allow() } }),
    },
  };
}

/** The operation that answers a method here; HEAD is GET without the body. */
export function operationFor(place: RoutePlace, method: string | undefined): Operation {
  const wanted = method === 'HEAD' ? 'GET' : (method ?? '');
  return place.operations.get(wanted) ?? (method === 'OPTIONS' ? place.options : place.otherMethods);
}

/** The places with a hot operation, by their literal path. */
export function hotPlaces(places: ReadonlyMap<string, RoutePlace>): Map<string, RoutePlace> {
  const isHot = ({ operations }: RoutePlace): boolean => [...operations.values()].some(({ hot }) => hot);
  return new Map(
    [...places]
      .filter(([, place]) => isHot(place))
      .map(([path, place]) => [path.replaceAll('\\', ''), place]),
  );
}
