/** Routes for servers that are no homeserver: a reverse proxy, a mail server, an XMPP server. What is switched off is not there. */
import type { Handler } from '../http/exchange.ts';
import type { OperationHandlers } from '../http/operation-handler.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { operations } from '../generated/verification.ts';
import { type EjabberdDeps, lookUpToken, refuseToStore } from './ejabberd.ts';
import { readPrefixedRequest } from './original-request.ts';
import { type ForwardAuthDeps, verifyRequest } from './verify-request.ts';
import { type SaslDeps, verifySasl } from './verify-sasl.ts';

export interface VerificationApiDeps {
  /** Undefined: forward authentication is off. */
  readonly forwardAuth: ForwardAuthDeps | undefined;
  /** Undefined: SASL is off. */
  readonly sasl: SaslDeps | undefined;
  /** Undefined: the token backend of ejabberd is off. */
  readonly ejabberd: EjabberdDeps | undefined;
}

/** Handlers by operationId of `openapi/verification.yaml`. */
export function verificationHandlers({
  forwardAuth,
  sasl,
  ejabberd,
}: VerificationApiDeps): OperationHandlers<operations> {
  const byPath = forwardAuth === undefined ? absent : verifyRequest(forwardAuth, readPrefixedRequest);
  return {
    verifyGet: byPath,
    verifyPost: byPath,
    verifyPut: byPath,
    verifyPatch: byPath,
    verifyDelete: byPath,
    verifyRequest: forwardAuth === undefined ? absent : verifyRequest(forwardAuth),
    lookUpToken: ejabberd === undefined ? absent : lookUpToken(ejabberd),
    storeToken: ejabberd === undefined ? absent : refuseToStore(ejabberd),
    lookUpClient: ejabberd === undefined ? absent : refuseToStore(ejabberd),
    storeClient: ejabberd === undefined ? absent : refuseToStore(ejabberd),
    verifySasl: sasl === undefined ? absent : verifySasl(sasl),
  };
}

const absent: Handler = () => {
  throw new OAuthError('invalid_request', 'this is switched off here', { status: 404 });
};
