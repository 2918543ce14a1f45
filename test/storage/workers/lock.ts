/** Holds the write lock of a SQLite file, as another program would, for as long as it is told. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const [file = '', milliseconds = '0', begin = 'BEGIN IMMEDIATE'] = process.argv.slice(2);
const database = new DatabaseSync(file, { timeout: 5000 });
database.exec(begin);
if (begin.includes('locking_mode')) database.exec('BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (x)');
process.send?.('locked');
await sleep(Number(milliseconds));
database.close();
process.disconnect();
