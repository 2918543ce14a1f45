/**
 * Writes to a SQLite database from several lanes and says on standard output, in single system calls, when it is about to commit (`commit N`)
 * and when it acknowledges (`answer N`): for a look from outside at the order of writes, syncs and answers.
 */
import { writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { openDatabase } from '../../../src/storage/engine/open-database.ts';
import { findUser, insertUser } from '../../../src/storage/records/users.ts';

const [url = '', count = '100', lanes = '8'] = process.argv.slice(2);
const database = await openDatabase({ url, clock: systemClock, random: systemRandom });
writeSync(1, 'ready\n');

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let next = 0;
let refused = 0;
const write = async (number: number): Promise<void> => {
  try {
    await database.write(async (tx) => {
      await insertUser(tx, {
        id: `${String(process.pid)} ${String(number)}`,
        localpart: `${String(process.pid)} ${String(number)}`,
        displayname: 'x'.repeat(2000),
        created_at: 1,
        locked_at: null,
        deactivated_at: null,
      });
      writeSync(1, `commit ${String(number)}\n`);
    });
    writeSync(1, `answer ${String(number)}\n`);
  } catch {
    refused++;
  }
};
const began = performance.now();
await Promise.all(
  Array.from({ length: Number(lanes) }, async () => {
    while (next < Number(count)) await write(next++);
  }),
);
const elapsed = performance.now() - began;
// Reads go on, whatever became of the writes.
await findUser(database.query, 'nobody');
delay.disable();
writeSync(
  1,
  `${JSON.stringify({
    refused,
    writesPerSecond: Math.round((Number(count) / elapsed) * 1000),
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
  })}\n`,
);
await database.close();
