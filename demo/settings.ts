/** What the demo runs with: ports and folder from the environment, and the files that Gatehouse is configured by. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DemoFault, type NamedPort } from './listen.ts';

const host = '127.0.0.1';

export interface DemoSettings {
  readonly gatehouse: NamedPort;
  readonly idp: NamedPort;
  readonly client: NamedPort;
  readonly operations: NamedPort;
  /** Absolute path of the folder of the database, the keys and the configuration. */
  readonly folder: string;
}

/**
 * Reads `GATEHOUSE__LISTEN__PORT` (8090), `GATEHOUSE_DEMO_IDP_PORT` (8091), `GATEHOUSE_DEMO_CLIENT_PORT` (8092),
 * `GATEHOUSE__OPERATIONS__PORT` (8093) and `GATEHOUSE_DEMO_FOLDER`. The folder is `var/demo`; with another port of the identity
 * provider it is one of its own, because people are known by the provider's address and their subject there.
 */
export function readDemoSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const port = (variable: string, fallback: number): number => {
    const text = env[variable] ?? '';
    if (text === '') return fallback;
    const value = Number(text);
    if (!/^\d{1,5}$/.test(text) || value < 1 || value > 65_535) {
      throw new DemoFault(`${variable} must be a port between 1 and 65535.`);
    }
    return value;
  };
  const named = (what: string, variable: string, fallback: number): NamedPort => ({
    what,
    host,
    port: port(variable, fallback),
    variable,
  });
  const idp = named('the demo identity provider', 'GATEHOUSE_DEMO_IDP_PORT', 8091);
  const root = resolve(import.meta.dirname, '..');
  const settings: DemoSettings = {
    gatehouse: named('Gatehouse', 'GATEHOUSE__LISTEN__PORT', 8090),
    idp,
    client: named('the demo client', 'GATEHOUSE_DEMO_CLIENT_PORT', 8092),
    operations: named('the operations listener', 'GATEHOUSE__OPERATIONS__PORT', 8093),
    folder: resolve(
      root,
      env['GATEHOUSE_DEMO_FOLDER'] || (idp.port === 8091 ? 'var/demo' : `var/demo-${String(idp.port)}`),
    ),
  };
  const users = Map.groupBy(
    [settings.gatehouse, settings.idp, settings.client, settings.operations],
    (one) => one.port,
  );
  for (const [shared, [first, second]] of users) {
    if (first !== undefined && second !== undefined) {
      throw new DemoFault(`Port ${String(shared)} is given twice: ${first.variable} and ${second.variable}.`);
    }
  }
  return settings;
}

/** Base URL of a port of the demo, without a slash at the end. */
export function baseUrl(named: NamedPort): string {
  return `http://${named.host}:${String(named.port)}`;
}

/** What Gatehouse is started with. */
export interface DemoFiles {
  readonly configFile: string;
  readonly idpSecret: string;
  readonly homeserverSecretFile: string;
}

/** Writes the configuration, and the secrets unless an earlier run has. */
export function writeDemoFiles(settings: DemoSettings): DemoFiles {
  mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
  const configFile = join(settings.folder, 'gatehouse.yaml');
  const publicUrl = `${baseUrl(settings.gatehouse)}/`;
  writeFileSync(
    configFile,
    `# Written anew at each start of the demo: change it with environment variables (GATEHOUSE__SECTION__KEY).
server_name: demo.example
public_url: ${publicUrl}
listen: { host: ${host}, port: ${String(settings.gatehouse.port)} }
operations: { host: ${host}, port: ${String(settings.operations.port)} }
database: { url: "sqlite:gatehouse.db" }
providers:
  - id: demo
    issuer: ${baseUrl(settings.idp)}
    client_id: gatehouse
    client_secret_file: idp.secret
homeserver: { kind: none, public_url: "${publicUrl}", secret_file: homeserver.secret }
`,
  );
  const homeserverSecretFile = join(settings.folder, 'homeserver.secret');
  keptSecret(homeserverSecretFile);
  return { configFile, idpSecret: keptSecret(join(settings.folder, 'idp.secret')), homeserverSecretFile };
}

function keptSecret(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
