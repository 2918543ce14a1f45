/** The configuration that `gatehouse init` writes, with comments. */
import { stringify } from 'yaml';
import type { Answers } from './init-answers.ts';

/** Files of secrets, as they are named in the configuration: relative to it, or absolute. */
export interface SecretFiles {
  readonly idp: string;
  readonly homeserver: string;
  /** PostgreSQL only; with SQLite the key is made at the first start. */
  readonly encryptionKey: string | undefined;
  /** If the database URL has a password. */
  readonly databaseUrl: string | undefined;
}

/** If preferred_username is missing, or an e-mail address, which cannot be a localpart. */
const localparts: Readonly<Record<string, string>> = {
  google: '{email|before_at}',
  entra: '{preferred_username|before_at}',
};

/** YAML text. */
export function renderConfig(answers: Answers, files: SecretFiles): string {
  const proxied = answers.public_url.startsWith('https:');
  return `# Configuration of Gatehouse. Every key: docs/configuration.md. After a change: gatehouse config check, and gatehouse doctor.

# User IDs are @localpart:server_name. Can never be changed once there are users.
server_name: ${scalar(answers.server_name)}

# Where clients and browsers reach this service, and its issuer, byte for byte. The reverse proxy passes everything below it on to \`listen\`.
public_url: ${scalar(answers.public_url)}

listen:
  host: 127.0.0.1
  port: 8090
  # Reverse proxies whose X-Forwarded-For is believed.
  trusted_proxies: ${proxied ? "[127.0.0.1, '::1']" : '[]'}

# Health and metrics: for you alone.
operations:
  host: 127.0.0.1
  port: 9090
${databaseSection(answers, files)}
providers:
  # At the provider, register this redirect URI: ${redirectUriOf(answers)}
  - id: main
    # What is known of the product and differs from the standards.
    preset: ${scalar(answers.preset)}
    # Byte for byte as in its own metadata. People are known by it: never change it once there are users.
    issuer: ${scalar(answers.issuer)}
    client_id: ${scalar(answers.client_id)}
    client_secret_file: ${scalar(files.idp)}
    # Which claims make a Matrix user. The localpart counts at the first sign-in only.
    claims:
      localpart: ${scalar(localparts[answers.preset] ?? 'preferred_username')}
      displayname: name

${homeserverSection(answers, files)}`;
}

/** What the identity provider must know of us. */
export function redirectUriOf({ public_url: url }: Pick<Answers, 'public_url'>): string {
  return `${url.replace(/\/$/, '')}/upstream/main/callback`;
}

function databaseSection({ database }: Answers, files: SecretFiles): string {
  const key =
    files.encryptionKey === undefined
      ? '# The encryption key is created next to it at the first start: back up both, in separate places.'
      : '# All processes need the same encryption key: back it up separately from the database.';
  const url =
    files.databaseUrl === undefined
      ? `url: ${scalar(database)}`
      : `# The URL contains a password.\n  url_file: ${scalar(files.databaseUrl)}`;
  return `
${key}
${files.encryptionKey === undefined ? '' : `encryption_key_file: ${scalar(files.encryptionKey)}\n`}database:
  ${url}
`;
}

function homeserverSection(answers: Answers, files: SecretFiles): string {
  const { homeserver_url: url, homeserver_public_url: publicUrl } = answers;
  return `homeserver:
  # none: it is never called, and introspects tokens with the secret. synapse: users and devices are kept in step.
  kind: ${url === undefined ? 'none' : 'synapse'}
${url === undefined ? '' : `  # Where this service reaches it. Internal: never published.\n  url: ${scalar(url)}\n`}${
    publicUrl === undefined
      ? '  # Base URL for clients, as published in /.well-known/matrix/client.\n  # public_url: https://matrix.example.com/\n'
      : `  # Base URL for clients, as published in /.well-known/matrix/client.\n  public_url: ${scalar(publicUrl)}\n`
  }  # Shared with the homeserver.
  secret_file: ${scalar(files.homeserver)}
`;
}

/** A text as YAML writes it, quoted if it must be. */
function scalar(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}
