/** Each example of the API documents passes the validator that the service itself uses: what a reader copies works. */
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
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
type Content = Readonly<Record<string, MediaType>>;

/** Name and value of each example. */
function examplesOf({ example, examples = {} }: MediaType): [string, unknown][] {
  const named = Object.entries(examples).map(([name, { value }]): [string, unknown] => [name, value]);
  return example === undefined ? named : [['example', example], ...named];
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

/** A status that the key stands for; one of a range that is not named itself. */
function statusOf(key: string): number {
  return Number(key.replace('XX', '77'));
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
        const [[, example] = []] = examplesOf(parameter);
        if (typeof example !== 'string') continue;
        if (parameter.in === 'query') query.set(parameter.name, example);
        else params[parameter.name] = example;
      }
      const bodies = Object.values((documented.requestBody?.content ?? {}) as Content).flatMap(examplesOf);
      for (const [, body] of bodies.length === 0 ? [['none', undefined]] : bodies) {
        await check?.request?.({ params, query, headers: {}, body });
      }
      let answers = 0;
      for (const [key, { content = {}, headers = {} }] of Object.entries(documented.responses ?? {})) {
        const sent = Object.fromEntries(Object.keys(headers).map((name) => [name.toLowerCase(), 'x']));
        for (const [contentType, mediaType] of Object.entries(content as Content)) {
          for (const [, value] of examplesOf(mediaType)) {
            const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
            await check?.response?.({ status: statusOf(key), headers: sent, contentType, body });
            answers++;
          }
        }
      }
      expect(answers).toBeGreaterThan(0);
    },
  );
});

it('an example that does not fit is noticed', async () => {
  const [whoami] = operationsOf('matrix-client.yaml', 'matrix').filter(
    (each) => each.operationId === 'whoami',
  );
  const check = (await createChecks(whoami === undefined ? [] : [whoami], true)).get('whoami');
  const body = Buffer.from('{"user_id":7,"is_guest":false}');
  await expect(
    check?.response?.({ status: 200, headers: {}, contentType: 'application/json', body }),
  ).rejects.toThrow('does not fit the document');
});
