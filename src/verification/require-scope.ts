import type { Verdict } from './verdict.ts';

/** The verdict, if all of these scopes are required: exact names, all of them. */
export function requireScope(verdict: Verdict, required: readonly string[]): Verdict {
  if (verdict.kind !== 'active') return verdict;
  const missing = required.filter((each) => !verdict.token.scope.includes(each));
  if (missing.length === 0) return verdict;
  return { kind: 'inactive', fault: 'insufficient_scope', reason: `its scope lacks ${missing.join(' ')}` };
}

/** As `requireScope`, for a verdict that is on its way. If nothing is required it is handed on as it is, which is cheaper. */
export function withScope(verdict: Promise<Verdict>, required: readonly string[]): Promise<Verdict> {
  return required.length === 0 ? verdict : verdict.then((known) => requireScope(known, required));
}
