/** `gatehouse init`: a first configuration, its secrets in files beside it, and what to do next. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { CONFIG_FAULTY, formatFaults } from '../config/fault.ts';
import { inspectFile } from '../config/load.ts';
import { systemRandom, type Random } from '../protocol/clock.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { presets } from '../upstream/presets/presets.ts';
import { DialogueEnded, openDialogue, type Dialogue } from './dialogue.ts';
import { BadAnswers, gatherAnswers, type Answers, type SomeAnswers } from './init-answers.ts';
import { redirectUriOf, renderConfig, type SecretFiles } from './init-file.ts';
import { hasContent, writeSecret } from './secret-file.ts';

/** The options as the command line has them. */
export interface InitFlags {
  readonly serverName?: string;
  readonly publicUrl?: string;
  readonly issuer?: string;
  readonly preset?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly homeserverPublicUrl?: string;
  readonly homeserverUrl?: string;
  readonly database?: string;
  readonly output: string;
  readonly force?: true;
  readonly yes?: true;
}

/** Runs the command and prints what came of it. Returns the exit code: 0 if the configuration is written and holds, 2 if it would have faults, else 1. */
export async function runInit(flags: InitFlags): Promise<0 | 1 | typeof CONFIG_FAULTY> {
  const canAsk = process.stdin.isTTY && process.stdout.isTTY && flags.yes !== true;
  const result = await initialise({
    answers: {
      server_name: flags.serverName,
      public_url: flags.publicUrl,
      issuer: flags.issuer,
      preset: flags.preset,
      client_id: flags.clientId,
      homeserver_public_url: flags.homeserverPublicUrl,
      homeserver_url: flags.homeserverUrl,
      database: flags.database,
    },
    clientSecretFile: flags.clientSecretFile,
    output: flags.output,
    force: flags.force === true,
    terminal: canAsk ? { input: process.stdin, output: process.stdout } : undefined,
    random: systemRandom,
  });
  if ('done' in result) console.log(result.done);
  else console.error(`gatehouse: ${result.refused}`);
  if ('done' in result) return 0;
  return result.isFaulty === true ? CONFIG_FAULTY : 1;
}

export interface InitOptions {
  /** What the flags say. */
  readonly answers: SomeAnswers;
  /** A file that has the secret already. */
  readonly clientSecretFile?: string | undefined;
  /** The configuration to write. */
  readonly output: string;
  /** Writes over a configuration that is there; never over a secret. */
  readonly force: boolean;
  /** If a person can be asked; `undefined`: defaults are taken. */
  readonly terminal: { readonly input: Readable; readonly output: Writable } | undefined;
  readonly random: Random;
}

/** What was done, as text for standard output, or why nothing was. `isFaulty`: the configuration would not hold. */
export type InitResult = { readonly done: string } | Refused;

interface Refused {
  readonly refused: string;
  readonly isFaulty?: true;
}

/** Writes the configuration and its secrets. Nothing is written unless the configuration holds. */
export async function initialise(options: InitOptions): Promise<InitResult> {
  const output = resolve(options.output);
  if (existsSync(output) && !options.force) {
    return { refused: `${options.output} exists\n  -> Choose another file with --output, or add --force.` };
  }
  const { terminal } = options;
  const dialogue = terminal === undefined ? undefined : openDialogue(terminal.input, terminal.output);
  try {
    const baseDir = dirname(output);
    mkdirSync(baseDir, { recursive: true });
    const answers = await gatherAnswers(options.answers, { dialogue, baseDir });
    const secret = await clientSecret(options, baseDir, dialogue);
    if ('refused' in secret) return secret;
    return writeAll(options, output, answers, secret);
  } catch (error) {
    if (error instanceof BadAnswers)
      return { refused: `nothing was written:\n${error.message}`, isFaulty: true };
    if (error instanceof DialogueEnded) return { refused: 'nothing was written' };
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined || path === undefined) throw error;
    return { refused: `${path} cannot be written (${code})` };
  } finally {
    dialogue?.close();
  }
}

/** The secret that the identity provider gave us: in a file that is there, typed, or empty for a file to fill in. */
async function clientSecret(
  { clientSecretFile: given }: InitOptions,
  baseDir: string,
  dialogue: Dialogue | undefined,
): Promise<{ file: string; text: string } | Refused> {
  if (given !== undefined) {
    const file = resolve(given);
    if (!hasContent(file))
      return { refused: `--client-secret-file: ${given} is missing or empty`, isFaulty: true };
    const inside = relative(baseDir, file);
    return { file: inside.startsWith('..') || isAbsolute(inside) ? file : inside, text: '' };
  }
  const file = 'idp.secret';
  if (dialogue === undefined || hasContent(join(baseDir, file))) return { file, text: '' };
  const text = await dialogue.askSecret(
    'Client secret at the provider (not shown; leave empty to put it into a file later)',
  );
  return { file, text: text.trim() };
}

function writeAll(
  options: InitOptions,
  output: string,
  answers: Answers,
  secret: { file: string; text: string },
): InitResult {
  const { random, force } = options;
  const baseDir = dirname(output);
  const postgres = /^postgres/.test(answers.database);
  const files: SecretFiles = {
    idp: secret.file,
    homeserver: 'homeserver.secret',
    encryptionKey: postgres ? 'gatehouse.key' : undefined,
    databaseUrl:
      postgres && (URL.parse(answers.database)?.password ?? '') !== '' ? 'database.url' : undefined,
  };
  const outcomes = new Map<string, string>();
  const write = (file: string | undefined, text: string): void => {
    if (file !== undefined) outcomes.set(file, writeSecret(resolve(baseDir, file), text));
  };
  write(files.homeserver, random(32).toString('base64url'));
  write(files.idp, secret.text);
  write(files.encryptionKey, random(32).toString('base64'));
  write(files.databaseUrl, answers.database);
  writeConfig(output, renderConfig(answers, files), force);

  const faults = inspectFile(output, {}).faults.filter(
    ({ path }) => path !== 'providers[0].client_secret_file' || outcomes.get(files.idp) !== 'to fill in',
  );
  const told = [...outcomes].map(([file, outcome]) => `  ${join(baseDir, file)}: ${outcome}, mode 0600`);
  const lines = [`${output}: written`, ...told, ...nextSteps(options, answers, files, outcomes)];
  if (faults.length > 0)
    return { refused: `${formatFaults(faults, output)}\n(${output} was written)`, isFaulty: true };
  return { done: lines.join('\n') };
}

/** At once or not at all. */
function writeConfig(output: string, text: string, force: boolean): void {
  if (!force) {
    writeFileSync(output, text, { flag: 'wx' });
    return;
  }
  const draft = join(dirname(output), `.${basename(output)}.new`);
  writeFileSync(draft, text);
  renameSync(draft, output);
}

function nextSteps(
  { output }: InitOptions,
  answers: Answers,
  files: SecretFiles,
  outcomes: ReadonlyMap<string, string>,
): string[] {
  const config = `--config ${output}`;
  const notes = presets.get(answers.preset)?.notes ?? [];
  const steps = [
    `At the identity provider, register a confidential client "${answers.client_id}" for the authorization code flow, with this redirect URI:\n       ${redirectUriOf(answers)}`,
    `If it can do back-channel logout, give it this URI, so that a sign-out there ends the sessions here:\n       ${endpointUrl(answers.public_url, 'upstream/main/backchannel-logout')}`,
    ...(outcomes.get(files.idp) === 'to fill in'
      ? [`Put its secret into ${files.idp}, next to the configuration.`]
      : []),
    `gatehouse config check ${config}`,
    `gatehouse serve ${config}     behind a reverse proxy that forwards ${answers.public_url} to 127.0.0.1:8090`,
    `gatehouse doctor ${config}    checks the setup, and says how to fix what is wrong`,
    `Let the homeserver introspect tokens at ${endpointUrl(answers.public_url, 'oauth2/introspect')} with the secret in ${files.homeserver}.`,
  ];
  return [
    '',
    'Next:',
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
    ...notes.map((note) => `  ${answers.preset}: ${note}`),
  ];
}
