/** `gatehouse links`: plan and run agree, a second run changes nothing, and who is linked signs in as that user. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCsv } from '../../src/cli/csv.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';
import { type Ended, newFolder, runCli } from './run-cli.ts';

let synapse: ScriptedSynapse;
let gatehouse: Gatehouse;
let client: TestClient;
beforeAll(async () => {
  synapse = await startScriptedSynapse('shared-with-the-homeserver');
  gatehouse = await startGatehouse({ env: environment() });
  client = await registerTestClient(gatehouse);
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
  await synapse[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({
  GATEHOUSE__HOMESERVER__KIND: 'synapse',
  GATEHOUSE__HOMESERVER__URL: synapse.url,
});
const run = (...args: string[]): Promise<Ended> =>
  runCli([...args, '--config', join(gatehouse.folder, 'gatehouse.yaml')], { env: environment() });
const json = async (...args: string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await run(...args, '--json')).stdout) as Record<string, unknown>;
const signIn = (login: string): Promise<unknown> =>
  client.tokens({ login, parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}NEW` } });
const file = (text: string): string => {
  const path = join(newFolder(), 'links.csv');
  writeFileSync(path, text);
  return path;
};
const putUser = (localpart: string, deactivated = false): void => {
  synapse.users.set(localpart, {
    displayname: null,
    avatarUrl: null,
    emails: [],
    locked: false,
    deactivated,
    crossSigningReset: false,
    devices: new Map([['OLD', null]]),
  });
};

describe('gatehouse links, from a table', () => {
  it('links whom the homeserver has, so that the person signs in as that user with their devices', async () => {
    putUser('alice');
    await expect(signIn('alice')).rejects.toThrow(/belongs to another account/);
    const source = file('user,provider,subject\r\nalice,main,sub-of-alice\r\n');
    const planned = [{ row: 2, user: 'alice', provider: 'main', subject: 'sub-of-alice', outcome: 'create' }];
    expect(await json('links', 'plan', '--csv', source)).toMatchObject({ links: planned });
    await expect(signIn('alice')).rejects.toThrow(/belongs to another account/);
    expect(await json('links', 'apply', '--csv', source)).toMatchObject({ links: planned, done: 1 });
    const again = [{ ...planned[0], outcome: 'linked' }];
    expect(await json('links', 'apply', '--csv', source)).toMatchObject({ links: again, done: 0 });
    await signIn('alice');
    expect([...(synapse.users.get('alice')?.devices.keys() ?? [])]).toEqual(['OLD', 'NEW']);
    expect((await run('audit')).stdout).toContain('user_linked');
  }, 60_000);

  it('tells of each row why it cannot be, links the others, and says so by its exit code', async () => {
    putUser('dora', true);
    putUser('erin');
    const rows: [string, RegExp | undefined][] = [
      ['nobody,main,1', /neither this service nor the homeserver/],
      ['alice,other,2', /no such provider/],
      ['alice,main,', /subject is empty/],
      ['@alice:elsewhere.example,main,3', /another server/],
      ['Alice,main,4', /only a-z/],
      ['dora,main,5', /deactivated at the homeserver/],
      ['erin,main,sub-of-alice', /linked to @alice:example\.org/],
      ['gatehouse-service,main,6', /that of this service/],
      ['@erin:example.org,main,"7,""seven"""', undefined],
      ['alice,main,"7,""seven"""', /earlier row/],
    ];
    const source = file(`user,provider,subject\n${rows.map(([row]) => row).join('\n')}\n`);
    const plan = (await json('links', 'plan', '--csv', source)) as {
      links: { outcome: string; reason?: string; subject: string }[];
    };
    expect(plan.links).toHaveLength(rows.length);
    for (const [index, [row, reason]] of rows.entries()) {
      expect(plan.links[index]?.reason ?? '', row).toMatch(reason ?? /^$/);
    }
    expect(plan.links[8]).toMatchObject({ outcome: 'create', subject: '7,"seven"' });
    const applied = await run('links', 'apply', '--csv', source);
    expect(applied.code).toBe(1);
    expect(applied.stdout).toContain('1 linked now, 0 linked already, 9 refused.');
  });

  it.each<[string, string[], RegExp]>([
    ['no source', [], /nothing says which links/],
    ['two sources', ['--csv', 'a', '--synapse', 'sqlite:b'], /nothing says which links/],
    ['a file that is not there', ['--csv', '/nowhere/links.csv'], /ENOENT/],
    ['a database that is not there', ['--synapse', 'sqlite:/nowhere/homeserver.db'], /no such database/],
    ['a path in place of a database', ['--synapse', '/var/lib/homeserver.db'], /no such database/],
  ])('refuses %s', async (_case, args, told) => {
    const { code, stderr } = await run('links', 'plan', ...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(told);
  });

  it('refuses a table without its columns', async () => {
    const { code, stderr } = await run('links', 'plan', '--csv', file('user,subject\nalice,1\n'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/no column provider/);
  });
});

describe('gatehouse links, from what Synapse knows', () => {
  it('takes its external ids, with its names of providers as they are or as they are mapped', async () => {
    putUser('bob');
    putUser('carol');
    const path = join(newFolder(), 'homeserver.db');
    const database = new DatabaseSync(path);
    database.exec(`create table user_external_ids (auth_provider text, external_id text, user_id text);
      insert into user_external_ids values ('oidc-main', 'sub-of-bob', '@bob:example.org');
      insert into user_external_ids values ('oidc', 'sub-of-carol', '@carol:example.org');
      insert into user_external_ids values ('saml', 'x', '@carol:example.org');`);
    database.close();
    const source = ['--synapse', `sqlite:${path}`, '--map', 'oidc=main'];
    const summary = { link: 0, create: 2, linked: 0, refused: 1 };
    expect(await json('links', 'plan', ...source)).toMatchObject({ summary });
    expect(await json('links', 'apply', ...source)).toMatchObject({ summary, done: 2 });
    expect(await json('links', 'apply', ...source)).toMatchObject({ summary: { linked: 2 }, done: 0 });
    await signIn('bob');
    expect([...(synapse.users.get('bob')?.devices.keys() ?? [])]).toEqual(['OLD', 'NEW']);
  });

  it('says so of a database that is not one of Synapse', async () => {
    const { code, stderr } = await run(
      'links',
      'plan',
      '--synapse',
      `sqlite:${gatehouse.folder}/gatehouse.db`,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/no database of Synapse/);
  });
});

describe('comma-separated values', () => {
  it.each<[string, string[][]]>([
    ['', []],
    ['a,b', [['a', 'b']]],
    ['a,b\n', [['a', 'b']]],
    ['\ufeffa\r\n\r\nb', [['a'], ['b']]],
    ['"a,""b""\nc",d', [['a,"b"\nc', 'd']]],
    [',', [['', '']]],
    [
      'a,\n,b\n',
      [
        ['a', ''],
        ['', 'b'],
      ],
    ],
  ])('are read: %j', (text, records) => {
    expect(readCsv(text)).toEqual(records);
  });

  it.each(['a"b', '"a', '"a"b,c', 'a,"b"c'])(
    'are refused where a quotation mark is out of place: %j',
    (text) => {
      expect(() => readCsv(text)).toThrow(SyntaxError);
    },
  );
});
