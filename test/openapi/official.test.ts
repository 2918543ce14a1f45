/**
 * Our document of the Matrix client-server API against the official definitions, which are not part of this repository: a folder that holds
 * their `api/client-server/*.yaml` is named by `MATRIX_SPEC_DIR`. What differs on purpose stands in official-differences.yaml, with its reason.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { compareOperations } from './compare-operations.ts';
import {
  describeOperations,
  type DescribedOperation,
  readOperations,
  readWhole,
} from './described-operation.ts';

interface Intended {
  readonly operation: string | readonly string[];
  readonly differs: readonly string[];
  readonly because: string;
}

const document = new URL('../../openapi/matrix-client.yaml', import.meta.url).pathname;
const intended = parse(
  readFileSync(new URL('official-differences.yaml', import.meta.url), 'utf8'),
) as Intended[];
const lines = intended.flatMap(({ operation, differs }) =>
  [operation].flat().flatMap((each) => differs.map((what) => `${each}: ${what}`)),
);

const whole = readWhole(document);
const ours = describeOperations(whole as Readonly<Record<string, unknown>>);
const folder = process.env['MATRIX_SPEC_DIR'];

function readOfficial(from: string): DescribedOperation[] {
  const definitions = join(from, 'api', 'client-server');
  return readdirSync(definitions)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => readOperations(join(definitions, name)));
}

describe.skipIf(folder === undefined)('the official definitions (MATRIX_SPEC_DIR)', () => {
  const official = folder === undefined ? [] : readOfficial(folder);
  const differences = compareOperations(ours, official);

  it('are there, with the operations of session management', () => {
    const keys = official.map(({ key }) => key);
    expect(keys).toContain('POST /_matrix/client/v3/login');
    expect(keys).toContain('DELETE /_matrix/client/v3/devices/{}');
    expect(keys).toContain('GET /.well-known/matrix/client');
    expect(keys.length).toBeGreaterThan(20);
  });

  it('differ from ours in nothing but what is meant to differ', () => {
    expect(differences.filter((line) => !lines.includes(line))).toEqual([]);
  });

  it('differ in everything that is listed', () => {
    expect(lines.filter((line) => !differences.includes(line))).toEqual([]);
  });
});

describe('official-differences.yaml', () => {
  it('has nothing twice, and a sentence as the reason of each', () => {
    expect(lines.filter((line, at) => lines.indexOf(line) !== at)).toEqual([]);
    for (const { because, differs } of intended) {
      expect(because).toMatch(/^[A-Z`'].{15,}\.$/s);
      expect(differs.length).toBeGreaterThan(0);
    }
  });
});

describe('the comparison', () => {
  type Node = Record<string, unknown>;
  const mutated = (change: (paths: Record<string, Record<string, Node>>) => void): string[] => {
    const copy = structuredClone(whole) as { paths: Record<string, Record<string, Node>> };
    change(copy.paths);
    return compareOperations(
      describeOperations(copy).map((each) => ({ ...each, also: [] })),
      ours,
    );
  };
  const whoami = '/_matrix/client/v3/account/whoami';
  const bodySchema = (holder: unknown): { required: string[]; properties: Record<string, Node> } =>
    ((holder as Node)['content'] as Record<string, { schema: never }>)['application/json']?.schema as never;
  const answer = (operation: Node | undefined, status: string): unknown =>
    (operation?.['responses'] as Node)[status];

  it('finds nothing where nothing differs', () => {
    expect(mutated(() => undefined)).toEqual([]);
  });

  it('sees an operation that is gone, one too many, and another method', () => {
    const found = mutated((paths) => {
      const item = paths[whoami] ?? {};
      paths['/_matrix/client/v3/account/who'] = { get: item['get'] ?? {} };
      item['put'] = item['get'] ?? {};
      delete item['get'];
    });
    expect(found).toEqual([
      `PUT ${whoami}: is not official`,
      'GET /_matrix/client/v3/account/who: is not official',
      `GET ${whoami}: is missing`,
    ]);
  });

  it('sees a status that is gone or one too many', () => {
    const found = mutated((paths) => {
      const responses = (paths[whoami]?.['get']?.['responses'] ?? {}) as Node;
      responses['202'] = responses['200'];
      delete responses['200'];
    });
    expect(found).toEqual([
      `GET ${whoami}: status 200 is missing`,
      `GET ${whoami}: status 202 is not official`,
    ]);
  });

  it('sees members of an answer: gone, not always there, of another type, one too many', () => {
    const found = mutated((paths) => {
      const schema = bodySchema(answer(paths[whoami]?.['get'], '200'));
      schema.required = schema.required.filter((name) => name !== 'user_id');
      schema.properties['is_guest'] = { type: 'string' };
      delete schema.properties['device_id'];
      schema.properties['extra'] = { type: 'string' };
    });
    expect(found).toEqual([
      `GET ${whoami}: 200: user_id is optional here`,
      `GET ${whoami}: 200: device_id is missing`,
      `GET ${whoami}: 200: is_guest is string, officially boolean`,
      `GET ${whoami}: 200: not official: extra`,
    ]);
  });

  it('sees a parameter that is gone, and members of a request that are gone or optional', () => {
    const redirect = '/_matrix/client/v3/login/sso/redirect';
    const remove = '/_matrix/client/v3/delete_devices';
    const found = mutated((paths) => {
      const parameters = paths[redirect]?.['get']?.['parameters'] as Node[];
      parameters.splice(
        parameters.findIndex(({ name }) => name === 'redirectUrl'),
        1,
      );
      const schema = bodySchema(paths[remove]?.['post']?.['requestBody']);
      schema.required = [];
      delete schema.properties['auth'];
    });
    expect(found).toEqual([
      `GET ${redirect}: query redirectUrl is missing`,
      `POST ${remove}: body: devices is optional here`,
      `POST ${remove}: body: auth is missing`,
    ]);
  });

  const asked = (operation: Node): DescribedOperation[] =>
    describeOperations({ paths: { '/thing/{id}': { post: { responses: { '200': {} }, ...operation } } } });
  const body = (schema: Node, required = true): Node => ({
    requestBody: { required, content: { 'application/json': { schema: { type: 'object', ...schema } } } },
  });

  it('sees parameters: gone, one too many, required or not, in another place', () => {
    const official = asked({
      parameters: [
        { in: 'query', name: 'action' },
        { in: 'query', name: 'target', required: true },
        { in: 'path', name: 'id', required: true },
      ],
    });
    const ours = asked({
      parameters: [
        { in: 'header', name: 'action' },
        { in: 'query', name: 'target' },
        { in: 'path', name: 'id', required: true },
      ],
    });
    expect(compareOperations(ours, official)).toEqual([
      'POST /thing/{}: query action is missing',
      'POST /thing/{}: query target is optional here',
      'POST /thing/{}: header action is not official',
    ]);
  });

  it('sees members of a request, inside others too; one that is missing stands for what it holds', () => {
    const inner = (members: Node, required: string[] = []): Node => ({
      type: 'array',
      items: { type: 'object', required, properties: members },
    });
    const text = { type: 'string' };
    const official = asked(
      body({
        allOf: [{ properties: { list: inner({ a: text, b: text }, ['a']) }, required: ['list'] }],
        properties: {
          gone: { type: 'object', properties: { deep: text } },
          open: { type: 'object', additionalProperties: true },
        },
      }),
    );
    const ours = asked(
      body(
        {
          properties: {
            list: inner({ a: text, c: text }, ['c']),
            open: { type: 'object', properties: { more: text } },
          },
        },
        false,
      ),
    );
    expect(compareOperations(ours, official).map((line) => line.replace('POST /thing/{}: ', ''))).toEqual([
      'body is optional here',
      'body: gone is missing',
      'body: list is optional here',
      'body: list[].a is optional here',
      'body: list[].b is missing',
      'body: not official: list[].c',
    ]);
  });

  it('says once of an operation that it is only refused', () => {
    const official = asked(body({ properties: { a: { type: 'string' } } }));
    expect(compareOperations(asked({ responses: { '404': {}, '5XX': {} } }), official)).toEqual([
      'POST /thing/{}: is only refused',
    ]);
  });

  it('sees who needs an access token, and paths that only we have', () => {
    const official = asked({ security: [{}, { token: [] }] });
    const ours = asked({ security: [{ token: [] }] }).map((each) => ({ ...each, also: ['/other'] }));
    expect(compareOperations(ours, official)).toEqual([
      'POST /thing/{}: access token is needed, officially taken',
      'POST /thing/{}: is served as /other too',
    ]);
  });
});
