/** Each example of the API documents passes the validator that the service itself uses, and an answer has no error code that the document does not explain. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApiDocument, Dialect } from '../../src/http/exchange.ts';
import { readDocument } from '../../src/http/openapi-document.ts';
import { type DocumentedOperation, loadOperations, type Parameter } from '../../src/http/openapi.ts';
import { createChecks } from '../../src/http/validation.ts';
import { handlersFor } from '../http/support.ts';

const folder = join(import.meta.dirname, '../../openapi');
const documents: Readonly<Record<string, Dialect>> = {
  'authorization-server.yaml': 'oauth',
  'homeserver.yaml': 'matrix',
  'matrix-client.yaml': 'matrix',
  'operations.yaml': 'operations',
  'verification.yaml': 'verification',
};

interface MediaType {
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, Example>>;
}
interface Example {
  readonly summary?: string;
  readonly value: unknown;
}
type Content = Readonly<Record<string, MediaType>>;

function examplesOf({ example, examples = {} }: MediaType): Example[] {
  return example === undefined ? Object.values(examples) : [{ value: example }];
}

function operationsOf(file: string, dialect: Dialect): DocumentedOperation[] {
  const { paths } = readDocument(join(folder, file)) as {
    paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId?: string }>>>>;
  };
  const ids = Object.values(paths).flatMap((item) =>
    Object.values(item).flatMap(({ operationId }) => (operationId === undefined ? [] : [operationId])),
  );
  const document: ApiDocument = { file, dialect, handlers: handlersFor(ids) };
  return loadOperations(folder, [document]);
}

/** The status of an example; where the answer is described for a range of them, the summary names it. */
function statusOf(key: string, { summary = '' }: Example): number {
  return Number(key.endsWith('XX') ? (/\((\d{3})\)/.exec(summary)?.[1] ?? `${key[0]}00`) : key);
}

describe.each(Object.entries(documents))('%s', (file, dialect) => {
  const operations = operationsOf(file, dialect);
  const checks = createChecks(operations, true);

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    '%s is asked and answered as its examples have it',
    async (operationId, { documented }) => {
      const check = (await checks).get(operationId);
      const params: Record<string, string> = {};
      const query = new URLSearchParams();
      for (const parameter of (documented.parameters ?? []) as readonly (Parameter & MediaType)[]) {
        const [{ value: example } = { value: undefined }] = examplesOf(parameter);
        if (typeof example !== 'string') continue;
        if (parameter.in === 'query') query.set(parameter.name, example);
        else params[parameter.name] = example;
      }
      const bodies = Object.values((documented.requestBody?.content ?? {}) as Content).flatMap(examplesOf);
      for (const { value: body } of bodies.length === 0 ? [{ value: undefined }] : bodies) {
        await check?.request?.({ params, query, headers: {}, body });
      }
      let answers = 0;
      for (const [key, { content = {}, headers = {} }] of Object.entries(documented.responses ?? {})) {
        const sent = Object.fromEntries(Object.keys(headers).map((name) => [name.toLowerCase(), 'x']));
        for (const [contentType, mediaType] of Object.entries(content as Content)) {
          for (const example of examplesOf(mediaType)) {
            const { value } = example;
            const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
            await check?.response?.({ status: statusOf(key, example), headers: sent, contentType, body });
            answers++;
          }
        }
      }
      expect(answers).toBeGreaterThan(0);
    },
  );
});

describe('an answer of whoami', async () => {
  const whoami = operationsOf('matrix-client.yaml', 'matrix').filter(
    ({ operationId }) => operationId === 'whoami',
  );
  const check = (await createChecks(whoami, true)).get('whoami');
  const answer = async (status: number, json: object): Promise<void> =>
    check?.response?.({
      status,
      headers: {},
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(json)),
    });

  it('that does not fit its schema is noticed', async () => {
    await expect(answer(200, { user_id: 7, is_guest: false })).rejects.toThrow('does not fit the document');
  });

  it.each([
    ['of its own', 401, 'M_UNKNOWN_TOKEN', true],
    ['of its own', 403, 'M_FORBIDDEN', true],
    ['of every operation', 405, 'M_UNRECOGNIZED', true],
    ['of every operation', 413, 'M_TOO_LARGE', true],
    ['with another status', 400, 'M_FORBIDDEN', false],
    ['of another operation', 404, 'M_NOT_FOUND', false],
    ['that no operation has', 403, 'M_GUEST_ACCESS_FORBIDDEN', false],
    ['whose name begins like another', 401, 'M_UNKNOWN', false],
  ])('with an error code %s, %i %s, fits: %j', async (_whose, status, errcode, fits) => {
    const answered = answer(status, { errcode, error: 'x' });
    if (fits) await expect(answered).resolves.toBeUndefined();
    else await expect(answered).rejects.toThrow(`the description does not say when it is ${errcode}`);
  });
});
