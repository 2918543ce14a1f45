/** The whole configuration, composed of its sections. */
import { z } from 'zod';
import { described } from './fields.ts';
import { clientsSection } from './sections/clients.ts';
import { databaseSection } from './sections/database.ts';
import { ejabberdSection } from './sections/ejabberd.ts';
import { forwardAuthSection } from './sections/forward-auth.ts';
import { handOverSection } from './sections/hand-over.ts';
import { httpSection } from './sections/http.ts';
import { homeserverSection } from './sections/homeserver.ts';
import { introspectionSection } from './sections/introspection.ts';
import { legacyLoginSection } from './sections/legacy-login.ts';
import { limitsSection } from './sections/limits.ts';
import { listenSection, operationsSection } from './sections/listen.ts';
import { logSection } from './sections/log.ts';
import { metadataSection } from './sections/metadata.ts';
import { passwordGrantSection } from './sections/password-grant.ts';
import { providersSection } from './sections/providers.ts';
import { registrationSection } from './sections/registration.ts';
import { saslSection } from './sections/sasl.ts';
import { scopesSection } from './sections/scopes.ts';
import { serverKeys } from './sections/server.ts';
import { signingKeysSection } from './sections/signing-keys.ts';
import { sessionsSection } from './sections/sessions.ts';

export const configSchema = z.strictObject({
  ...serverKeys,
  listen: described(listenSection.prefault({}), { description: 'The listener for clients and browsers.' }),
  http: described(httpSection.prefault({}), { description: 'Headers of every answer of that listener.' }),
  operations: described(operationsSection.prefault({}), { description: "The operator's own listener." }),
  database: described(databaseSection.prefault({}), { description: 'The database that stores sessions.' }),
  providers: described(providersSection, {
    description: 'The identity providers that people sign in at.',
    example: '[{ id: main, issuer: "https://idp.example.com", client_id: gatehouse, … }]',
  }),
  homeserver: described(homeserverSection.prefault({}), {
    description: 'The homeserver that introspects tokens.',
  }),
  sessions: described(sessionsSection.prefault({}), { description: 'Lifetimes of sessions and tokens.' }),
  hand_over: described(handOverSection.prefault({}), {
    description: 'How a browser passes a sign-in to an app.',
  }),
  signing_keys: described(signingKeysSection.prefault({}), {
    description: 'The keys that sign ID tokens, and access tokens that are JWTs.',
  }),
  legacy_login: described(legacyLoginSection.prefault({}), {
    description: "Matrix's own login routes, for clients without OAuth.",
  }),
  forward_auth: described(forwardAuthSection.prefault({}), {
    description: 'Lets reverse proxies ask whether a request may pass.',
  }),
  ejabberd: described(ejabberdSection.prefault({}), {
    description: 'ejabberd asks here whose a token is.',
  }),
  sasl: described(saslSection.prefault({}), {
    description: 'Lets servers of other protocols verify SASL responses.',
  }),
  scopes: described(scopesSection.default([]), {
    description:
      'Scopes that you define, for servers other than the homeserver. See [other servers](other-servers.md).',
  }),
  clients: described(clientsSection.default([]), {
    description: 'Clients that you configure. See [clients](clients.md).',
  }),
  introspection: described(introspectionSection.prefault({}), {
    description: 'Further ways in which servers may ask whose a token is.',
  }),
  password_grant: passwordGrantSection,
  registration: described(registrationSection.prefault({}), {
    description: 'Clients that register themselves.',
  }),
  metadata: described(metadataSection.prefault({}), {
    description: 'How long others may cache the published metadata.',
  }),
  limits: described(limitsSection.prefault({}), { description: 'Limits on requests.' }),
  log: described(logSection.prefault({}), { description: 'What is written to standard output.' }),
});

/** What may stand in the file. */
export type ConfigInput = z.input<typeof configSchema>;

type Parsed = z.output<typeof configSchema>;

/**
 * A configuration that holds: every default filled in, every secret read from its file, every path absolute, frozen through and
 * through. Keys are those of the file.
 */
export type Config = DeepReadonly<
  Omit<Parsed, 'listen'> & {
    listen: Parsed['listen'] &
      (
        | { socket: string; host?: undefined; port?: undefined }
        | { socket?: undefined; host: string; port: number }
      );
  }
>;

export type DeepReadonly<T> = T extends (infer Entry)[]
  ? readonly DeepReadonly<Entry>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** As much of the input as holds: what cross-field rules are judged on. */
export type DeepPartial<T> = T extends (infer Entry)[]
  ? (DeepPartial<Entry> | undefined)[]
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;
