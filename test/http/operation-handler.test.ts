/** A handler under the wrong operationId does not compile: the compiler reads this file, too. */
import { expect, it } from 'vitest';
import type { operations as oauth } from '../../src/generated/authorization-server.ts';
import type { operations as matrix } from '../../src/generated/matrix-client.ts';
import type { Handler } from '../../src/http/exchange.ts';
import type { OperationHandler, OperationHandlers } from '../../src/http/operation-handler.ts';

declare const logout: OperationHandler<matrix, 'logout'>;
declare const logoutAll: OperationHandler<matrix, 'logoutAll'>;
declare const refresh: OperationHandler<matrix, 'refreshTokens'>;
declare const either: OperationHandler<oauth, 'authorize' | 'authorizeByPost', unknown>;
declare const register: OperationHandler<oauth, 'registerClient'>;
declare const refusal: Handler<unknown, never>;

type Routes = Pick<OperationHandlers<matrix>, 'logout' | 'logoutAll' | 'refreshTokens'>;

/** Never called: what is in it need only compile, or not. */
export function compiled(): unknown[] {
  const right: Routes = { logout, logoutAll, refreshTokens: refresh };
  const refused: Routes = { logout: refusal, logoutAll: refusal, refreshTokens: refusal };
  const both: Pick<OperationHandlers<oauth>, 'authorize' | 'authorizeByPost'> = {
    authorize: either,
    authorizeByPost: either,
  };
  // @ts-expect-error they look the same, and are two operations
  const swapped: Routes = { logout: logoutAll, logoutAll, refreshTokens: refresh };
  // @ts-expect-error another body, another answer
  const moved: Routes = { logout: refresh, logoutAll, refreshTokens: refresh };
  // @ts-expect-error one is missing
  const missing: Routes = { logout, logoutAll };
  // @ts-expect-error a handler of another document
  const foreign: Routes = { logout: register, logoutAll, refreshTokens: refresh };
  // @ts-expect-error an answer that the document does not have
  const answer: OperationHandler<matrix, 'whoami'> = () => ({ status: 200, body: { user: 'alice' } });
  // @ts-expect-error a member of the body that the document does not have
  const body: OperationHandler<matrix, 'refreshTokens', unknown> = ({ body: { token } }) => ({
    status: 200,
    body: token,
  });
  return [right, refused, both, swapped, moved, missing, foreign, answer, body];
}

it('is what the compiler checks', () => {
  expect(compiled).toBeTypeOf('function');
});
