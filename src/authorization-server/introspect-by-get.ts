/** Two more ways to ask whose a token is, for servers that have no other. Off unless the operator switched them on: what stands in a URL ends up in logs. */
import type { operations } from '../generated/authorization-server.ts';
import { readAuthorization } from '../http/bearer.ts';
import type { ApiRequest } from '../http/exchange.ts';
import type { OperationHandler } from '../http/operation-handler.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { type IntrospectionDeps, introspectToken, tellOfToken } from './introspect.ts';

type Deps = IntrospectionDeps & Pick<AuthorizationServerDeps, 'introspectionByGet'>;

/** Introspection with the token, and perhaps the client's credentials, in the query: Dovecot's `introspection_mode = get`. */
export function introspectTokenByGet(deps: Deps): OperationHandler<operations, 'introspectTokenByGet'> {
  const introspect = introspectToken(deps);
  return (request) => {
    if (!deps.introspectionByGet.get) {
      throw new OAuthError('invalid_request', 'introspection is by POST here', {
        status: 405,
        headers: { allow: 'POST' },
      });
    }
    return introspect(withForm(request, fieldsOf(request)));
  };
}

/** Handlers read forms: what stood in the query stands there now. */
function withForm(request: ApiRequest, form: ReadonlyMap<string, string>): ApiRequest<never> {
  const { operationId, method, params, query, headers, cookies, language, requestId, clientAddress } =
    request;
  const same = { operationId, method, params, query, headers, cookies, language, requestId, clientAddress };
  return {
    ...same,
    body: undefined as never,
    form,
    annotate: (members) => {
      request.annotate(members);
    },
  };
}

function fieldsOf({ query }: ApiRequest): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of query) {
    if (fields.has(name)) throw new OAuthError('invalid_request', 'a parameter is given twice');
    fields.set(name, value);
  }
  return fields;
}

/**
 * What the bearer of a token is told of it, without credentials of a client. Dovecot asks in two ways: with the token in the query (`tokeninfo_url`) it takes a 401 without `error` for
 * "not good" and whatever else for an outage; with the header alone (`introspection_mode = auth`) it wants 200 and `active`.
 */
export function getTokeninfo(deps: Deps): OperationHandler<operations, 'getTokeninfo'> {
  return async (request) => {
    if (!deps.introspectionByGet.tokeninfo) {
      throw new OAuthError('invalid_request', 'there is no tokeninfo here', { status: 404 });
    }
    const inQuery = fieldsOf(request).get('access_token');
    const authorization = readAuthorization(request.headers);
    const inHeader = authorization.kind === 'bearer' ? authorization.token : undefined;
    const token = inQuery ?? inHeader;
    if (token === undefined) throw new OAuthError('invalid_request', 'access_token is missing');
    if (inQuery !== undefined && inHeader !== undefined && inQuery !== inHeader) {
      throw new OAuthError('invalid_request', 'the tokens of the query and of the header differ');
    }
    const reply = await tellOfToken(deps, request, token);
    return inQuery !== undefined && !reply.body.active ? { ...reply, status: 401 } : reply;
  };
}
