/** `gatehouse links`: which account at a provider belongs to which user, from a table or from what Synapse knows. */
import { existsSync, readFileSync } from 'node:fs';
import { applyLink, type LinkDeps, type PlannedLink, planLinks, type WantedLink } from '../people/links.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import { readSynapseLinks } from '../storage/maintenance.ts';
import type { ConfigOption } from './config-option.ts';
import { readCsv } from './csv.ts';
import { CommandFault, type OperatorDeps, printJson, runOperation } from './operator.ts';
import { formatTable } from './table.ts';

export interface LinkOptions extends ConfigOption {
  readonly json?: true;
  readonly csv?: string;
  readonly synapse?: string;
  /** `auth_provider=provider`. */
  readonly map?: readonly string[];
}

/** `links plan`. */
export function planLinksCommand(options: LinkOptions): Promise<void> {
  return runOperation(options, async (deps) => {
    const links = await planLinks(linkDeps(deps), await readWanted(options));
    print(links, { options, done: undefined });
  });
}

/** `links apply`. */
export function applyLinksCommand(options: LinkOptions): Promise<void> {
  return runOperation(options, async (deps) => {
    const links = await planLinks(linkDeps(deps), await readWanted(options));
    let done = 0;
    for (const link of links) if (await applyLink(linkDeps(deps), link)) done++;
    print(links, { options, done });
    if (links.some(({ outcome }) => outcome.kind === 'refused')) process.exitCode = 1;
  });
}

function linkDeps(deps: OperatorDeps): LinkDeps {
  const { providers, server_name: serverName } = deps.config;
  return { ...deps, serverName, issuers: new Map(providers.map(({ id, issuer }) => [id, issuer])) };
}

function readWanted(options: LinkOptions): Promise<WantedLink[]> | WantedLink[] {
  const { csv, synapse } = options;
  if ((csv === undefined) === (synapse === undefined)) {
    throw new CommandFault('nothing says which links', 'Name one source: --csv FILE, or --synapse DATABASE.');
  }
  return csv === undefined ? readSynapse(synapse ?? '', options.map ?? []) : readTable(csv);
}

const COLUMNS = ['user', 'provider', 'subject'];

function readTable(file: string): WantedLink[] {
  const [head = [], ...records] = parse(file);
  const missing = COLUMNS.filter((name) => !head.includes(name));
  if (missing.length > 0) {
    throw new CommandFault(
      `${file} has no column ${missing.join(', ')}`,
      'Its first line names the columns: user,provider,subject and, if you need it, issuer.',
    );
  }
  return records.map((record, index) => {
    const value = (name: string): string => record[head.indexOf(name)]?.trim() ?? '';
    const issuer = head.includes('issuer') ? value('issuer') : '';
    const [user, provider, subject] = [value('user'), value('provider'), value('subject')];
    return { row: index + 2, user, provider, subject, ...(issuer === '' ? {} : { issuer }) };
  });
}

function parse(file: string): string[][] {
  try {
    return readCsv(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : ((error as NodeJS.ErrnoException).code ?? '');
    throw new CommandFault(
      `${file} cannot be read (${why})`,
      'Write it as comma-separated values (RFC 4180).',
    );
  }
}

async function readSynapse(url: string, mapping: readonly string[]): Promise<WantedLink[]> {
  if (
    !/^(sqlite|postgres|postgresql):/.test(url) ||
    (url.startsWith('sqlite:') && !existsSync(sqliteFile(url)))
  ) {
    throw new CommandFault(
      'there is no such database of Synapse',
      'Write --synapse sqlite:/path/homeserver.db, or --synapse postgres://user@host/database.',
    );
  }
  const providers = new Map(mapping.map((pair) => pair.split('=', 2) as [string, string]));
  const rows = await readSynapseLinks(url);
  if (rows === undefined) {
    throw new CommandFault('this is no database of Synapse', 'It has no table user_external_ids.');
  }
  return rows.map(({ authProvider, subject, userId }, index) => ({
    row: index + 1,
    user: userId,
    // Synapse calls a provider of its configuration `oidc-<id>`, and the only one of an older configuration `oidc`.
    provider: providers.get(authProvider) ?? authProvider.replace(/^oidc-/, ''),
    subject,
  }));
}

function print(
  links: readonly PlannedLink[],
  { options, done }: { options: LinkOptions; done: number | undefined },
): void {
  const count = (kind: PlannedLink['outcome']['kind']): number =>
    links.filter(({ outcome }) => outcome.kind === kind).length;
  const summary = {
    link: count('link'),
    create: count('create'),
    linked: count('linked'),
    refused: count('refused'),
  };
  if (options.json) {
    const rows = links.map(({ wanted, outcome }) => ({
      ...wanted,
      outcome: outcome.kind,
      ...('reason' in outcome ? { reason: outcome.reason } : {}),
    }));
    printJson({ links: rows, summary, ...(done === undefined ? {} : { done }) });
    return;
  }
  const shown = links.filter(({ outcome }) => outcome.kind !== 'linked');
  const rows = shown.map(({ wanted, outcome }) => [
    String(wanted.row),
    wanted.user,
    wanted.provider,
    wanted.subject,
    'reason' in outcome ? `refused: ${outcome.reason}` : texts[outcome.kind],
  ]);
  console.log(
    formatTable(['ROW', 'USER', 'PROVIDER', 'SUBJECT', 'OUTCOME'], rows, 'There is nothing to do.'),
  );
  const { linked, refused } = summary;
  const first = done === undefined ? `${summary.link + summary.create} to be linked` : `${done} linked now`;
  console.log(`${first}, ${linked} linked already, ${refused} refused.`);
}

const texts = {
  link: 'link',
  create: 'link, and make the user of the homeserver known here',
  linked: 'linked already',
} as const;
