/** What `gatehouse init` must know: from flags, from a person, or by default. Each answer is judged by the rules of the configuration. */
import { ConfigFault, type Fault } from '../config/fault.ts';
import { parseConfig } from '../config/load.ts';
import { DEFAULT_DATABASE } from '../config/sections/database.ts';
import { recognisePreset } from '../doctor/preset-shapes.ts';
import type { Dialogue } from './dialogue.ts';

/** Values of the configuration by their keys there. */
export interface Answers {
  readonly server_name: string;
  readonly public_url: string;
  readonly issuer: string;
  readonly preset: string;
  readonly client_id: string;
  readonly homeserver_public_url: string | undefined;
  readonly homeserver_url: string | undefined;
  readonly database: string;
}

/** As far as they are known. */
export type SomeAnswers = { -readonly [K in keyof Answers]?: Answers[K] | undefined };

interface Question {
  readonly key: keyof Answers;
  readonly flag: string;
  /** Where the answer stands in the configuration: faults there are faults of the answer. */
  readonly path: string;
  /** Another key that it decides. */
  readonly decides?: string;
  readonly text: string;
  /** What is taken if nothing is said; `undefined`: the answer is required. */
  readonly suggest: (answers: SomeAnswers) => string | undefined;
  /** May be left empty. */
  readonly optional?: true;
}

const questions: readonly Question[] = [
  {
    key: 'server_name',
    flag: '--server-name',
    path: 'server_name',
    text: 'Server name: user IDs are @localpart:SERVER_NAME, for good',
    suggest: () => undefined,
  },
  {
    key: 'public_url',
    flag: '--public-url',
    path: 'public_url',
    text: 'URL at which clients and browsers reach this service',
    suggest: () => undefined,
  },
  {
    key: 'issuer',
    flag: '--issuer',
    path: 'providers[0].issuer',
    text: 'Issuer of the identity provider, exactly as in its metadata',
    suggest: () => undefined,
  },
  {
    key: 'preset',
    flag: '--preset',
    path: 'providers[0].preset',
    text: 'Product (a preset, or generic)',
    suggest: ({ issuer }) => presetOf(issuer) ?? 'generic',
  },
  {
    key: 'client_id',
    flag: '--client-id',
    path: 'providers[0].client_id',
    text: 'Client id of this service at the provider',
    suggest: () => 'gatehouse',
  },
  {
    key: 'homeserver_public_url',
    flag: '--homeserver-public-url',
    path: 'homeserver.public_url',
    text: 'URL at which clients reach the homeserver (may be empty)',
    suggest: () => '',
    optional: true,
  },
  {
    key: 'homeserver_url',
    flag: '--homeserver-url',
    path: 'homeserver.url',
    decides: 'homeserver.kind',
    text: 'Internal URL of Synapse, if this service manages its devices (may be empty)',
    suggest: () => '',
    optional: true,
  },
  {
    key: 'database',
    flag: '--database',
    path: 'database.url',
    text: 'Database: sqlite:FILE or postgres://…',
    suggest: () => DEFAULT_DATABASE,
  },
];

/** What is wrong with the flags: required ones that are missing if nobody can be asked, and values that break a rule. */
export class BadAnswers extends Error {
  override readonly name = 'BadAnswers';
}

/**
 * Completes what the flags say. With a dialogue, asks for the rest, suggesting the defaults; without one, takes them.
 *
 * @throws BadAnswers naming everything that is missing or wrong.
 */
export async function gatherAnswers(
  flags: SomeAnswers,
  options: { dialogue: Dialogue | undefined; baseDir: string },
): Promise<Answers> {
  const answers: SomeAnswers = {};
  const problems: string[] = [];
  for (const question of questions) {
    const { key, flag } = question;
    const given = flags[key];
    const suggested = question.suggest(answers);
    if (given === undefined && options.dialogue !== undefined) {
      answers[key] = await askFor(question, suggested, answers, options.dialogue, options.baseDir);
      continue;
    }
    const value = given ?? suggested;
    if (value === undefined) {
      problems.push(`${flag} is missing: ${question.text}`);
      continue;
    }
    const fault = faultOf(question, { ...answers, [key]: value }, options.baseDir);
    if (fault !== undefined) problems.push(`${flag} ${fault.problem}\n    -> ${fault.remedy}`);
    answers[key] = value === '' ? undefined : value;
  }
  if (problems.length > 0) throw new BadAnswers(problems.map((problem) => `  ${problem}`).join('\n'));
  return answers as Answers;
}

async function askFor(
  question: Question,
  suggested: string | undefined,
  answers: SomeAnswers,
  dialogue: Dialogue,
  baseDir: string,
): Promise<string | undefined> {
  for (;;) {
    const typed = (await dialogue.ask(question.text, suggested)).trim();
    const value = typed === '' ? suggested : typed;
    if (value === undefined) continue;
    if (value === '' && question.optional === true) return undefined;
    const fault = faultOf(question, { ...answers, [question.key]: value }, baseDir);
    if (fault === undefined) return value;
    dialogue.say(`  ${fault.problem}\n    -> ${fault.remedy}`);
  }
}

/** The first fault of the configuration that stands where the answer does. */
function faultOf({ path, decides }: Question, answers: SomeAnswers, baseDir: string): Fault | undefined {
  try {
    parseConfig(treeOf(answers), { baseDir });
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    return error.faults.find((fault) => fault.path === path || fault.path === decides);
  }
}

/** The configuration that the answers make, with secrets in place that nobody has. */
function treeOf(answers: SomeAnswers): Record<string, unknown> {
  const { homeserver_public_url: publicUrl, homeserver_url: url } = answers;
  return {
    ...present('server_name', answers.server_name),
    ...present('public_url', answers.public_url),
    ...(answers.database === undefined ? {} : { database: { url: answers.database } }),
    ...(/^postgres/.test(answers.database ?? '') ? { encryption_key: '0123456789abcdef'.repeat(4) } : {}),
    providers: [
      {
        id: 'main',
        ...present('preset', answers.preset),
        ...present('issuer', answers.issuer),
        ...present('client_id', answers.client_id),
        client_secret: 'to be filled in',
      },
    ],
    homeserver: {
      kind: url === undefined || url === '' ? 'none' : 'synapse',
      ...present('public_url', publicUrl),
      ...present('url', url),
      secret: 'to be filled in',
    },
  };
}

function present(key: string, value: string | undefined): Record<string, string> {
  return value === undefined || value === '' ? {} : { [key]: value };
}

/** The preset that the issuer alone gives away. */
function presetOf(issuer: string | undefined): string | undefined {
  return issuer === undefined ? undefined : recognisePreset({ issuer })?.name;
}
