/** An API document is a reference to read: an operation without a description, an example or a word on its errors fails the gate. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, run } from '../../scripts/run.ts';

type Json = Record<string, unknown>;

const schema = {
  type: 'object',
  required: ['token'],
  properties: { token: { type: 'string', description: 'The token.' } },
};
const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: { error: { type: 'string', description: 'The code.' } },
};

function body(content: Json): Json {
  return { content: { 'application/json': content } };
}

const refused = {
  description: 'Refused.',
  ...body({ schema: errorSchema, example: { error: 'invalid_grant' } }),
};

/** An operation that keeps to every rule. */
const sound = {
  summary: 'Give a token',
  description: 'For clients. 400 `invalid_grant` if the token is used up.',
  security: [],
  tags: ['tokens'],
  parameters: [
    {
      name: 'id',
      in: 'query',
      required: true,
      description: 'Which.',
      schema: { type: 'string' },
      example: 'a',
    },
  ],
  requestBody: body({ schema, example: { token: 'a' } }),
  responses: {
    '200': {
      description: 'Done.',
      ...body({ schema, examples: { Token: { summary: 'A token', value: { token: 'b' } } } }),
    },
    '400': refused,
  },
};

/** What each operation does otherwise, by its operationId. */
const operations: Record<string, Json> = {
  sound: {},
  sharedCode: {
    responses: {
      ...sound.responses,
      '404': { $ref: '#/components/responses/Missing' },
    },
  },
  noDescription: { description: undefined },
  noSummary: { summary: undefined },
  noRequestExample: { requestBody: body({ schema }) },
  noAnswerExample: {
    responses: { ...sound.responses, '200': { description: 'Done.', ...body({ schema }) } },
  },
  noErrorExample: {
    responses: { ...sound.responses, '400': { description: 'No.', ...body({ schema: errorSchema }) } },
  },
  noParameterExample: { parameters: [{ ...sound.parameters[0], example: undefined }] },
  noErrorAnswer: { responses: { '200': sound.responses['200'] } },
  unexplainedCode: { description: 'For clients. 400 `invalid_request` if it cannot be read.' },
  noCode: {
    description: 'For clients.',
    responses: { '200': sound.responses['200'], '404': { $ref: '#/components/responses/Missing' } },
  },
  wrongRequestExample: { requestBody: body({ schema, example: { token: 1 } }) },
  wrongAnswerExample: {
    responses: {
      ...sound.responses,
      '200': { description: 'Done.', ...body({ schema, example: { tokens: [] } }) },
    },
  },
  wrongParameterExample: { parameters: [{ ...sound.parameters[0], example: 7 }] },
  undescribedParameter: { parameters: [{ ...sound.parameters[0], description: undefined }] },
  undescribedMember: {
    requestBody: body({
      schema: { ...schema, properties: { token: { type: 'string' } } },
      example: { token: 'a' },
    }),
  },
};

const document = {
  openapi: '3.1.0',
  info: {
    title: 'A document that breaks every rule once',
    version: '1',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    description: 'Every operation: 404 `invalid_request` if there is nothing.',
  },
  servers: [
    { url: 'https://{host}', variables: { host: { default: 'auth.example.com' } } },
    { url: 'http://{host}', variables: { host: { default: '127.0.0.1:8090' } } },
  ],
  tags: [{ name: 'tokens', description: 'Tokens.' }],
  paths: Object.fromEntries(
    Object.entries(operations).map(([operationId, changes]) => [
      `/${operationId}`,
      { post: { operationId, ...sound, ...changes } },
    ]),
  ),
  components: {
    responses: {
      Missing: {
        description: 'Nothing.',
        ...body({ schema: errorSchema, example: { error: 'invalid_request' } }),
      },
    },
  },
};

interface Problem {
  readonly ruleId: string;
  readonly message: string;
  readonly location: readonly { readonly pointer: string }[];
}

let folder: string;
/** `operationId: rule`. */
const violations: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-documents-'));
  const file = join(folder, 'broken.json');
  await writeFile(file, JSON.stringify(document));
  const { output } = await run(
    'redocly',
    ['lint', '--config', join(root, 'redocly.yaml'), '--format', 'json', file],
    {
      env: { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    },
  );
  const report = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)) as {
    problems: Problem[];
  };
  for (const { ruleId, location } of report.problems) {
    const pointer = location[0]?.pointer ?? '';
    violations.push(`${/^#\/paths\/~1(\w+)/.exec(pointer)?.[1] ?? pointer}: ${ruleId}`);
  }
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['an operation without a description', 'noDescription: operation-description'],
  ['an operation without a summary', 'noSummary: operation-summary'],
  ['a request without an example', 'noRequestExample: house/operation-examples'],
  ['an answer without an example', 'noAnswerExample: house/operation-examples'],
  ['a refusal without an example', 'noErrorExample: house/operation-examples'],
  ['a required parameter without an example', 'noParameterExample: house/operation-examples'],
  ['an operation without an error answer', 'noErrorAnswer: operation-4xx-response'],
  ['an error code without a word on when it comes', 'unexplainedCode: house/error-codes'],
  ['an operation that names no error code of its own', 'noCode: house/error-codes'],
  ['an example of a request that does not fit', 'wrongRequestExample: no-invalid-media-type-examples'],
  ['an example of an answer that does not fit', 'wrongAnswerExample: no-invalid-media-type-examples'],
  ['an example of a parameter that does not fit', 'wrongParameterExample: no-invalid-parameter-examples'],
  ['a parameter without a description', 'undescribedParameter: house/described-members'],
  ['a member without a description', 'undescribedMember: house/described-members'],
  ['a server on a loopback address', '#/servers/1/variables/host/default: rule/server-has-no-fixed-address'],
])('%s fails', (_sentence, violation) => {
  expect(violations).toContain(violation);
});

test('what keeps to the rules passes, and what breaks one breaks that one only', () => {
  expect(violations.filter((each) => /^(sound|sharedCode):/.test(each))).toEqual([]);
  const broken = Object.keys(operations).length - 2 + 1;
  expect(new Set(violations).size).toBe(broken);
});
