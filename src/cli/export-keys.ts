/** `gatehouse keys export`: public keys in the form that servers want which cannot fetch `/oauth2/jwks`. */
import { createPublicKey } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { activeKey, publishedKeys } from '../signing-keys/key-schedule.ts';
import { listSigningKeys, type SigningKeyRecord } from '../storage/records/signing-keys.ts';
import { escapeName } from '../verification/jwt/key-directory.ts';
import type { ConfigOption } from './config-option.ts';
import { CommandFault, type OperatorDeps, printJson, runOperation } from './operator.ts';

export type ExportKeysOptions = ConfigOption & {
  readonly json?: true;
  readonly dovecot?: string;
  readonly azp?: readonly string[];
  readonly jwk?: true | string;
  readonly alg: string;
};

/** Writes a folder for Dovecot, prints or writes one JWK for ejabberd, or both. */
export function exportKeysCommand(options: ExportKeysOptions): Promise<void> {
  return runOperation(options, (deps) => exportKeys(deps, options));
}

async function exportKeys(deps: OperatorDeps, options: ExportKeysOptions): Promise<void> {
  const { dovecot, jwk } = options;
  if (dovecot === undefined && jwk === undefined) {
    throw new CommandFault('nothing to export', 'Add --dovecot FOLDER, or --jwk for a single key.');
  }
  const records = await listSigningKeys(deps.db.query);
  if (dovecot !== undefined) {
    const files = exportForDovecot(publishedKeys(records, deps.clock.now()), {
      folder: dovecot,
      clients: clientsOf(deps, options),
    });
    if (options.json) printJson({ files });
    else
      console.log(`${String(files.length)} ${files.length === 1 ? 'file' : 'files'} written to ${dovecot}.`);
  }
  if (jwk !== undefined) exportJwk(activeKey(records, options.alg, deps.clock.now()), jwk, options.alg);
}

/** Who the keys are for: the clients named, else those of the configuration whose access tokens are JWTs; `default` for tokens that name none. */
function clientsOf({ config }: OperatorDeps, { azp }: ExportKeysOptions): readonly string[] {
  const ids = config.clients
    .filter((client) => client.access_token_format === 'jwt')
    .map((client) => client.client_id);
  const clients = azp ?? ids;
  if (clients.length > 0) return clients;
  throw new CommandFault(
    'no client of the configuration has `access_token_format: jwt`',
    'Add it there, or name clients that were added by command: --azp ID.',
  );
}

/** Dovecot looks for `<azp>/<ALG>/<kid>`, each escaped, and keeps what it has read until it is restarted: old keys stay, new ones come beside them. */
function exportForDovecot(
  keys: readonly SigningKeyRecord[],
  to: { readonly folder: string; readonly clients: readonly string[] },
): string[] {
  return to.clients.flatMap((client) =>
    keys.map(({ alg, kid, public_jwk_json: text }) => {
      const names = [client, alg, kid].map(escapeName);
      const key = createPublicKey({ key: JSON.parse(text) as JsonWebKeyInput, format: 'jwk' });
      writeWhole(to.folder, names, key.export({ type: 'spki', format: 'pem' }).toString());
      return names.join('/');
    }),
  );
}

type JsonWebKeyInput = Record<string, string>;

/** Nobody reads half a key. */
function writeWhole(folder: string, names: readonly string[], text: string): void {
  const place = join(folder, ...names);
  mkdirSync(join(place, '..'), { recursive: true, mode: 0o755 });
  writeFileSync(`${place}.new`, text, { mode: 0o644 });
  renameSync(`${place}.new`, place);
}

/** ejabberd takes a file with exactly one key. */
function exportJwk(record: SigningKeyRecord | undefined, to: true | string, alg: string): void {
  if (record === undefined) {
    throw new CommandFault(
      `there is no key for ${alg} yet`,
      'It is created when it signs its first token: use --alg RS256, or let a client sign in first.',
    );
  }
  if (to === true) console.log(record.public_jwk_json);
  else writeFileSync(to, `${record.public_jwk_json}\n`, { mode: 0o644 });
}
