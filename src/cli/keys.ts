/** `gatehouse keys`: the keys that sign ID tokens and access tokens, seen and rotated without a restart. */
import { keyStates } from '../signing-keys/key-schedule.ts';
import { rotateSigningKeys } from '../signing-keys/signing-keys.ts';
import { ensureEncryptionKey } from '../config/encryption-key.ts';
import { createSealer } from '../storage/sealed.ts';
import { listSigningKeys } from '../storage/records/signing-keys.ts';
import type { ConfigOption } from './config-option.ts';
import { isoTime, type OperatorDeps, printJson, runOperation } from './operator.ts';
import { formatTable, shortTime } from './table.ts';

type Options = ConfigOption & { readonly json?: true };

/** Lists the keys and what each does at the moment. */
export function listKeysCommand(options: Options): Promise<void> {
  return runOperation(options, (deps) => list(deps, options));
}

/** Makes a new key; with `now` the others are gone at once. */
export function rotateKeysCommand(options: Options & { readonly now?: true }): Promise<void> {
  return runOperation(options, (deps) => rotate(deps, options));
}

async function list(deps: OperatorDeps, options: Options): Promise<void> {
  const records = await listSigningKeys(deps.db.query);
  const all = keyStates(records, deps.clock.now()).map(({ key, state }) => ({
    kid: key.kid,
    alg: key.alg,
    created_at: key.created_at,
    state,
  }));
  if (options.json) {
    printJson(all.map((key) => ({ ...key, created_at: isoTime(key.created_at) })));
    return;
  }
  const rows = all.map((key) => [key.kid, key.alg, shortTime(key.created_at), key.state]);
  console.log(formatTable(['ID', 'ALGORITHM', 'CREATED', 'STATE'], rows, 'There are no keys yet.'));
}

async function rotate(deps: OperatorDeps, options: Options & { now?: true }): Promise<void> {
  const { key } = ensureEncryptionKey(deps.config, deps.random);
  const sealer = createSealer(key, deps.random);
  const kids = await rotateSigningKeys({ ...deps, sealer }, { atOnce: options.now === true });
  if (options.json) {
    printJson({ kids });
    return;
  }
  const from = options.now === true ? 'signs from now on' : 'signs in ten minutes';
  for (const kid of kids) console.log(`Key ${kid} ${from}. Running processes use it within a second.`);
}
