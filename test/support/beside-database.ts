/** A service under test with a client of its own, and its database beside it, for what no request can make or see. */
import { type Clock, systemClock, systemRandom } from '../../src/protocol/clock.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, type TestEngine } from './database.ts';
import { registerTestClient, type TestClient } from './oauth-client.ts';

export interface BesideDatabase {
  readonly gatehouse: Gatehouse;
  readonly client: TestClient;
  readonly db: Database;
  close(): Promise<void>;
}

/** Starts it on a new database of the engine, by the given clock or the system's. */
export async function startBesideDatabase(engine: TestEngine, clock?: Clock): Promise<BesideDatabase> {
  const env = await databaseOf(engine);
  const gatehouse = await startGatehouse({
    env: { ...env, GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: '10000' },
    validateResponses: true,
    ...(clock === undefined ? {} : { clock }),
  });
  const client = await registerTestClient(gatehouse);
  const db = await openDatabase({
    url: env['GATEHOUSE__DATABASE__URL'] ?? '',
    clock: clock ?? systemClock,
    random: systemRandom,
  });
  return {
    gatehouse,
    client,
    db,
    close: async () => {
      await db.close();
      await gatehouse[Symbol.asyncDispose]();
    },
  };
}
