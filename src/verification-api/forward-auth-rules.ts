import type { OriginalRequest } from './original-request.ts';

/** Whether a request passes without an identity: if there is no token, or if it is not good too. */
export type Anonymous = 'never' | 'missing' | 'failure';

/** What holds for some requests. */
export interface ForwardAuthRule {
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly scope: readonly string[];
  readonly anonymous?: Anonymous | undefined;
  readonly deny: boolean;
}

/** What holds for one request. `unclear`: rules depend on where it goes, and that cannot be told. */
export type Demand =
  | { readonly kind: 'judge'; readonly scope: readonly string[]; readonly anonymous: Anonymous }
  | { readonly kind: 'deny'; readonly reason: string }
  | { readonly kind: 'unclear'; readonly reason: string };

/** The first rule that fits decides, else what holds for all. */
export function demandOf(
  rules: readonly ForwardAuthRule[],
  all: { readonly scope: readonly string[]; readonly anonymous: Anonymous },
  request: OriginalRequest,
): Demand {
  if (rules.some(({ path }) => path !== undefined) && request.path === undefined) {
    return { kind: 'unclear', reason: 'X-Forwarded-Uri is missing, or can be read in two ways' };
  }
  const rule = rules.find((each) => fits(each, request));
  if (rule === undefined) return { kind: 'judge', ...all };
  if (rule.deny) return { kind: 'deny', reason: 'a rule of forward_auth denies it' };
  return {
    kind: 'judge',
    scope: [...all.scope, ...rule.scope],
    anonymous: rule.anonymous ?? all.anonymous,
  };
}

function fits({ host, path, methods }: ForwardAuthRule, request: OriginalRequest): boolean {
  if (host !== undefined && !fitsHost(host, request.host)) return false;
  if (methods !== undefined && !methods.includes(request.method)) return false;
  if (path === undefined) return true;
  const prefix = path.replace(/\/+$/, '');
  return request.path === prefix || request.path?.startsWith(`${prefix}/`) === true;
}

function fitsHost(host: string, asked: string): boolean {
  return host.startsWith('*.') ? asked.endsWith(host.slice(1)) : asked === host;
}
