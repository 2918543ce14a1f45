/** Every table with its duties. A table that is missing here does not compile; test/storage/table-duties.test.ts compares them with the database. */
import { leasesDuties } from './leases.ts';
import { accountRequestsDuties, accountSessionsDuties } from './records/account-sessions.ts';
import { auditEntriesDuties } from './records/audit.ts';
import { authorizationRequestsDuties, authorizationCodesDuties } from './records/authorizations.ts';
import { clientsDuties, clientAssertionsDuties } from './records/clients.ts';
import { deviceGrantsDuties, deviceRequestsDuties } from './records/device-grants.ts';
import { idpDocumentsDuties } from './records/idp-documents.ts';
import { loginRequestsDuties, loginTokensDuties } from './records/login-tokens.ts';
import { logoutTokensDuties } from './records/logout-tokens.ts';
import { outboxDuties } from './records/outbox.ts';
import { pushedRequestsDuties } from './records/pushed-requests.ts';
import { sessionsDuties } from './records/sessions.ts';
import { signInsDuties } from './records/sign-ins.ts';
import { signOutsDuties } from './records/sign-outs.ts';
import { signingKeysDuties } from './records/signing-keys.ts';
import { accessTokensDuties, refreshTokensDuties } from './records/tokens.ts';
import { upstreamGrantsDuties } from './records/upstream-grants.ts';
import { uiAuthSessionsDuties, uiAuthRequestsDuties } from './records/user-interactive.ts';
import { usersDuties, upstreamLinksDuties } from './records/users.ts';
import type { TableDuties, TableName } from './table-duties.ts';

/** In the order in which they are swept: what refers to a client goes before the client. */
export const tables: Readonly<Record<TableName, TableDuties>> = {
  users: usersDuties,
  upstream_links: upstreamLinksDuties,
  client_assertions: clientAssertionsDuties,
  pushed_requests: pushedRequestsDuties,
  sessions: sessionsDuties,
  access_tokens: accessTokensDuties,
  refresh_tokens: refreshTokensDuties,
  sign_ins: signInsDuties,
  authorization_requests: authorizationRequestsDuties,
  authorization_codes: authorizationCodesDuties,
  device_grants: deviceGrantsDuties,
  device_requests: deviceRequestsDuties,
  login_requests: loginRequestsDuties,
  login_tokens: loginTokensDuties,
  ui_auth_sessions: uiAuthSessionsDuties,
  ui_auth_requests: uiAuthRequestsDuties,
  account_requests: accountRequestsDuties,
  account_sessions: accountSessionsDuties,
  upstream_grants: upstreamGrantsDuties,
  logout_tokens: logoutTokensDuties,
  sign_outs: signOutsDuties,
  outbox: outboxDuties,
  audit_entries: auditEntriesDuties,
  signing_keys: signingKeysDuties,
  idp_documents: idpDocumentsDuties,
  leases: leasesDuties,
  clients: clientsDuties,
};
