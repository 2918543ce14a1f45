/** The response to a request that matches no route. */
import type { IncomingMessage } from 'node:http';
import type { Dialect, Handler } from './exchange.ts';
import { RequestFault, tellablePath } from './fault.ts';
import type { Operation } from './openapi.ts';
import { pathOf } from './paths.ts';
import { undocumented } from './places.ts';

/** 404 in the words of the mount; a preflight below an API mount is answered as if there were something. */
export interface Unmatched {
  readonly operation: Operation;
  /** Absent if the operation has an answer. */
  readonly fault?: RequestFault;
}

/** `speech`: the dialect of a path. `home`: answers the public URL itself. */
export function createUnmatched(
  speech: (path: string) => Dialect,
  home?: { readonly basePath: string; readonly handler: Handler },
): (message: IncomingMessage) => Unmatched {
  const dialects: readonly Dialect[] = ['matrix', 'oauth', 'page', 'operations'];
  const operations = new Map(dialects.map((dialect) => [dialect, operationIn(dialect)]));
  return (message) => {
    const path = pathOf(message.url);
    if (home !== undefined && isRead(message) && (path === `${home.basePath}/` || path === home.basePath))
      return {
        operation: { ...operationIn('page'), operationId: 'showHome', method: 'GET', handler: home.handler },
      };
    const operation = operations.get(speech(path)) ?? operationIn('page');
    if (message.method === 'OPTIONS' && operation.cors)
      return { operation: { ...operation, method: 'OPTIONS', operationId: 'preflight' } };
    const reason = `there is nothing at ${tellablePath(path)}`;
    return {
      operation,
      fault: new RequestFault('path', 404, 'M_UNRECOGNIZED', 'there is nothing at this path', { reason }),
    };
  };
}

function operationIn(dialect: Dialect): Operation {
  return {
    ...undocumented,
    operationId: 'unmatched',
    method: '*',
    path: '',
    dialect,
    cors: dialect === 'oauth' || dialect === 'matrix',
    handler: () => ({ status: 204 }),
  };
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}
