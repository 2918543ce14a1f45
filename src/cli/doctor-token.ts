/** The access token that the doctor asks the homeserver with: of a user of the service's own, written to its database, and ended at once. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { WithToken } from '../doctor/homeserver-access.ts';
import { API_SCOPE } from '../protocol/scope.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { SERVICE_LOCALPART, ServiceUserFault, withServiceToken } from '../sessions/service-session.ts';
import { DatabaseFault } from '../storage/engine/fault.ts';
import { readDatabaseStatus } from '../storage/maintenance.ts';
import { withDatabase } from './operator.ts';

/** Lends a token if the database is there and of this build's schema, which the doctor does not change. */
export function lendToken(config: Config): WithToken {
  return async (ask) => {
    const { url } = config.database;
    if (url.startsWith('sqlite:') && !existsSync(sqliteFile(url))) {
      return { skipped: 'there is no database for a token yet' };
    }
    try {
      const { pending, level, buildLevel } = await readDatabaseStatus(url);
      if (pending.length > 0 || level > buildLevel) {
        return { skipped: 'the database has the schema of another version, so no token is made' };
      }
      return await withDatabase(config, (deps) =>
        withServiceToken(deps, API_SCOPE, (accessToken) =>
          ask({ accessToken, localpart: SERVICE_LOCALPART }),
        ),
      );
    } catch (error) {
      // Whatever else is said of database and interface is said by their own probes.
      if (error instanceof ServiceUserFault) return { skipped: error.message };
      if (error instanceof Unavailable)
        return { skipped: `${error.what} could not be told of the token's user` };
      if (error instanceof DatabaseFault) return { skipped: 'the database cannot be used' };
      throw error;
    }
  };
}
