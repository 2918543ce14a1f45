/**
 * Gatehouse as a library: `createGatehouse` for whoever has a server already, `startService` for the whole service, and the configuration that both
 * take.
 */
export { ConfigFault } from './config/fault.ts';
export { loadConfig, parseConfig } from './config/load.ts';
export type { Config } from './config/schema.ts';
export { delegatedCapabilities, delegatedVersions } from './matrix-api/delegated/advertise.ts';
export { oauthUserInteractive } from './matrix-api/user-interactive/oauth-data.ts';
export type { OAuthUserInteractive } from './matrix-api/user-interactive/oauth-data.ts';
export { createGatehouse, startService } from './service.ts';
export type { Gatehouse, Service, ServiceOptions } from './service.ts';
export { Unavailable } from './protocol/unavailable.ts';
export type { AccessVerdict, ActiveAccess, InactiveReason, Verify } from './verification/access-verdict.ts';
