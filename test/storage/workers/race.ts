/** Consumes every refresh token it is told of, in a random order; says which ones it won. */
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { hashSecret } from '../../../src/protocol/token-format.ts';
import { openDatabase } from '../../../src/storage/engine/open-database.ts';
import { consumeRefreshToken } from '../../../src/storage/records/tokens.ts';

const [url = '', count = '0'] = process.argv.slice(2);
const database = await openDatabase({ url, clock: systemClock, random: systemRandom });
process.send?.('ready');
await new Promise((resolve) => process.once('message', resolve));

const won: number[] = [];
const order = Array.from({ length: Number(count) }, (_, token) => token).sort(() => Math.random() - 0.5);
const next = order[Symbol.iterator]();
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (const token of next) {
      const hash = hashSecret(`token ${String(token)} refresh`);
      const consumed = await database.write((tx) =>
        consumeRefreshToken(tx, { hash, userId: 'owner', at: Date.now() }),
      );
      if (consumed !== undefined) won.push(token);
    }
  }),
);
await database.close();
process.send?.(won);
process.disconnect();
