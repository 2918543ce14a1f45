/** Opens a database as an ordinary user, and says what became of it. Started as root. */
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { openDatabase } from '../../../src/storage/engine/open-database.ts';

const [url = ''] = process.argv.slice(2);
process.setgid?.(65534);
process.setuid?.(65534);
const said = await openDatabase({ url, clock: systemClock, random: systemRandom }).then(
  async (database) => {
    await database.close();
    return 'opened';
  },
  (error: unknown) => String(error),
);
process.send?.(said);
process.disconnect();
