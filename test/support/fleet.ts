/** Several processes of the service over one database that is full already. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seed, type Seeded } from '../../bench/seed.ts';
import { postForm } from './oauth-client.ts';
import { type ServiceProcess, startProcess } from './process.ts';

export interface Fleet extends AsyncDisposable {
  readonly seeded: Seeded;
  readonly services: readonly ServiceProcess[];
  readonly folder: string;
  /** Whether an access token is good, by the first process that answers; throws where it says neither. */
  isActive(accessToken: string): Promise<boolean>;
}

export interface FleetOptions {
  readonly databaseUrl: string;
  readonly processes: number;
  readonly sessions: number;
  readonly codes?: number;
  /** What the service is started with: a command and its arguments that end with those of the service. */
  readonly wrap?: readonly string[];
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { databaseUrl, processes, sessions, codes = 0, wrap = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-fleet-'));
  const env = {
    GATEHOUSE__DATABASE__URL: databaseUrl,
    GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    GATEHOUSE__LOG__LEVEL: 'warn',
  };
  const seeded = await seed(databaseUrl, folder, { sessions, codes });
  const services: ServiceProcess[] = [];
  for (let count = 0; count < processes; count++) services.push(await startProcess({ env, wrap }));
  return {
    seeded,
    services,
    folder,
    async isActive(token) {
      for (const service of services) {
        const answer = await postForm(
          `${service.url}oauth2/introspect`,
          { token },
          { authorization: `Bearer ${service.homeserverSecret}` },
        ).catch(() => undefined);
        if (answer?.status === 200) return answer.body['active'] === true;
      }
      throw new Error('no process answers an introspection');
    },
    async [Symbol.asyncDispose]() {
      for (const service of services) await service[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
