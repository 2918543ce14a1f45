/** Gatehouse as an operator runs it, before a provider that really runs; it can be restarted, and its clock be moved. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { createLog } from '../../../src/observability/log.ts';
import { systemClock, type Clock } from '../../../src/protocol/clock.ts';
import { startService, type Service } from '../../../src/service.ts';
import { freePort } from '../../support/free-port.ts';
import { ask, postForm, type Answer } from '../../support/oauth-client.ts';
import { temporaryFolder } from './programs.ts';
import type { RealProvider } from './real-provider.ts';

export interface GatehouseBefore {
  readonly url: string;
  /** The configuration file, for the command line. */
  readonly configFile: string;
  restart(): Promise<void>;
  /** Moves its clocks forward; they go on from there. */
  skip(seconds: number): void;
  /** What it logged of warnings and errors, but for the one that a configuration with passwords starts with. */
  complaints(): string[];
  ready(): Promise<Answer>;
  introspect(token: string): Promise<Answer>;
  whoami(token: string): Promise<Answer>;
  close(): Promise<void>;
}

/** Its provider's redirect URI, for a public URL. */
export function redirectUriOf(url: string): string {
  return `${url}upstream/main/callback`;
}

/** Starts it on this loopback port. */
export async function startGatehouseBefore(provider: RealProvider, port: number): Promise<GatehouseBefore> {
  const folder = temporaryFolder('before');
  const url = `http://127.0.0.1:${String(port)}/`;
  const secret = 'shared-with-the-homeserver';
  const configFile = join(folder.path, 'gatehouse.yaml');
  const configuration = {
    server_name: 'example.org',
    public_url: url,
    listen: { host: '127.0.0.1', port },
    operations: { port: await freePort() },
    database: { url: 'sqlite:gatehouse.db' },
    providers: [
      {
        id: 'main',
        issuer: provider.issuer,
        client_id: provider.clientId,
        client_secret: provider.clientSecret,
        ...provider.settings,
      },
    ],
    homeserver: { kind: 'none', public_url: url, secret },
    ...(provider.legacyLogin === undefined ? {} : { legacy_login: provider.legacyLogin }),
  };
  writeFileSync(configFile, stringify(configuration));

  let skipped = 0;
  const clock: Clock = {
    now: () => systemClock.now() + skipped,
    monotonic: () => systemClock.monotonic() + skipped,
  };
  const lines: string[] = [];
  const log = createLog({ destination: { write: (line) => void lines.push(line) } });
  const start = (): Promise<Service> => startService({ config: loadConfig(configFile, {}), clock, log });
  let service: Service | undefined = await start();
  return {
    url,
    configFile,
    async restart() {
      await service?.close();
      service = undefined;
      service = await start();
    },
    skip: (seconds) => {
      skipped += seconds * 1000;
    },
    complaints: () =>
      lines.filter(
        (line) =>
          /"level":"(?:warn|error|fatal)"/.test(line) && !line.includes('legacy_login.password is on'),
      ),
    ready: () => ask(new URL('/health/ready', service?.operationsUrl).href),
    introspect: (token) =>
      postForm(`${url}oauth2/introspect`, { token }, { authorization: `Bearer ${secret}` }),
    whoami: (token) =>
      ask(`${url}_matrix/client/v3/account/whoami`, { headers: { authorization: `Bearer ${token}` } }),
    async close() {
      await service?.close();
      folder.remove();
    },
  };
}
