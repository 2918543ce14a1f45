import type { ApiRequest } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';

/** A parameter that an endpoint cannot do without: `invalid_request` if it is missing or empty (RFC 6749 section 5.2). */
export function requireParameter(request: ApiRequest, name: string): string {
  const value = request.form.get(name);
  if (value === undefined || value === '') throw new OAuthError('invalid_request', `${name} is missing`);
  return value;
}
