import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { type Handler, limitedBy, noStore } from '../../http/exchange.ts';
import { PageRefusal } from '../../http/pages/page-refusal.ts';
import { loginRedirectFault } from '../../protocol/login-redirect.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { message } from '../../texts/message.ts';
import { beginSignIn } from '../../sign-in/begin.ts';
import type { SignInDeps } from '../../sign-in/deps.ts';
import { insertLoginRequest } from '../../storage/records/login-tokens.ts';
import type { Provider } from '../../upstream/provider.ts';
import type { SsoDeps } from './sso-deps.ts';

/** What a client sent a person for, judged. */
interface SsoRequest {
  readonly redirectUrl: string;
  /** The one that was chosen in the client. */
  readonly provider: Provider | undefined;
  readonly action: 'login' | 'register';
}

/**
 * Where legacy clients send a browser to sign in (client-server API, "SSO client login"). It may have come to another host than ours, that of the
 * homeserver, whose cookies would not come back with the IdP's answer: so the sign-in begins one redirect further, on our own.
 */
export function redirectToSso(
  deps: Pick<SignInDeps, 'issuer' | 'providers'>,
): OperationHandler<operations, 'redirectToSso' | 'redirectToIdp', unknown> {
  return (request) => {
    const { redirectUrl, provider, action } = readSsoRequest(deps, request.query, request.params['idpId']);
    const query = new URLSearchParams({
      redirectUrl,
      ...(provider === undefined ? {} : { idp: provider.id }),
      ...(action === 'register' ? { action } : {}),
    });
    const location = endpointUrl(deps.issuer, `sign-in/sso?${query.toString()}`);
    return { status: 302, headers: { ...noStore, location } };
  };
}

/** Begins the sign-in of a legacy client, and goes to the IdP. */
export function beginSso(deps: SsoDeps): Handler {
  return limitedBy(deps.signInGuard, (request) => {
    const { query } = request;
    const { redirectUrl, provider, action } = readSsoRequest(deps, query, query.get('idp') ?? undefined);
    return beginSignIn(deps, {
      request,
      purpose: 'legacy_login',
      providerHint: provider?.id ?? null,
      // Left out again if the provider that is chosen has nothing like it.
      prompt: action === 'register' ? 'create' : null,
      remember: (tx, signInId) => insertLoginRequest(tx, deps.sealer, { signInId, redirectUrl }),
    });
  });
}

function readSsoRequest(
  { providers }: Pick<SignInDeps, 'providers'>,
  query: URLSearchParams,
  idpId: string | undefined,
): SsoRequest {
  const [redirectUrl, ...more] = query.getAll('redirectUrl');
  if (redirectUrl === undefined || redirectUrl === '') {
    throw unusable('M_MISSING_PARAM', 'redirectUrl is missing');
  }
  const fault = more.length > 0 ? 'is given twice' : loginRedirectFault(redirectUrl);
  if (fault !== undefined) throw unusable('M_INVALID_PARAM', `redirectUrl ${fault}`);
  const provider = idpId === undefined ? undefined : providers.find(({ id }) => id === idpId);
  if (idpId !== undefined && provider === undefined) {
    throw new PageRefusal(message('refused.no-such-provider'), {
      wire: new MatrixError(404, 'M_NOT_FOUND', 'There is no such identity provider here'),
    });
  }
  const action = query.get('action') ?? query.get('org.matrix.msc3824.action');
  return { redirectUrl, provider, action: action === 'register' ? 'register' : 'login' };
}

/** The person did not write it: the app did. */
function unusable(code: 'M_INVALID_PARAM' | 'M_MISSING_PARAM', text: string): PageRefusal {
  return new PageRefusal(message('refused.no-way-back'), { wire: new MatrixError(400, code, text) });
}
