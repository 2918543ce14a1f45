/** Whatever a request may hold is bounded by the document: every text in length, every list in items, every open object in members. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/http/openapi-document.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly schema?: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}

/** The members of a document's requests that are not bounded. */
function unbounded({
  paths,
}: {
  paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}): string[] {
  const found: string[] = [];
  const look = (schema: Schema | undefined, place: string): void => {
    if (schema === undefined) return;
    const types = [schema['type']].flat();
    const isChosen = 'enum' in schema || 'const' in schema;
    if (types.includes('string') && !isChosen && !('maxLength' in schema)) found.push(`${place}: maxLength`);
    if (types.includes('array') && !('maxItems' in schema)) found.push(`${place}: maxItems`);
    const { additionalProperties: more = false, properties = {}, items } = schema;
    if (more !== false && !('maxProperties' in schema)) found.push(`${place}: maxProperties`);
    if (typeof more === 'object') look(more as Schema, `${place}.*`);
    for (const [name, member] of Object.entries(properties as Record<string, Schema>))
      look(member, `${place}.${name}`);
    look(items as Schema | undefined, `${place}[]`);
    for (const way of ['allOf', 'anyOf', 'oneOf'])
      for (const each of (schema[way] as Schema[] | undefined) ?? []) look(each, place);
  };
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, own] of Object.entries(item)) {
      const operation = (method === 'parameters' ? { parameters: own } : own) as Operation;
      for (const { name, schema } of operation.parameters ?? []) look(schema, `${path} ${name}`);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        look(schema, `${method} ${path}`);
    }
  }
  return found;
}

it.each(['authorization-server', 'matrix-client', 'operations', 'verification'])(
  'bounds every member of a request: %s.yaml',
  (name) => {
    const file = join(import.meta.dirname, '../../openapi', `${name}.yaml`);
    expect(unbounded(readDocument(file) as Parameters<typeof unbounded>[0])).toEqual([]);
  },
);

describe('a document that does not is found out', () => {
  const text = { type: 'string' };
  it.each<[string, Schema, string[]]>([
    ['a text', text, ['post /a: maxLength']],
    ['a text or null', { type: ['string', 'null'] }, ['post /a: maxLength']],
    ['a list', { type: 'array', items: { ...text, maxLength: 5 } }, ['post /a: maxItems']],
    ['texts of a list', { type: 'array', maxItems: 3, items: text }, ['post /a[]: maxLength']],
    ['a member', { type: 'object', properties: { b: text } }, ['post /a.b: maxLength']],
    ['any members', { type: 'object', additionalProperties: true }, ['post /a: maxProperties']],
    ['one of several', { oneOf: [{ ...text, maxLength: 5 }, text] }, ['post /a: maxLength']],
    ['nothing', { type: 'object', properties: { b: { ...text, enum: ['x'] }, c: { type: 'integer' } } }, []],
  ])('%s', (_what, schema, faults) => {
    const content = { 'application/json': { schema } };
    expect(unbounded({ paths: { '/a': { post: { requestBody: { content } } } } })).toEqual(faults);
  });

  it('a parameter of an operation, or of all of a path', () => {
    const parameters = [{ name: 'q', schema: text }];
    expect(unbounded({ paths: { '/a': { get: { parameters }, parameters } } })).toEqual([
      '/a q: maxLength',
      '/a q: maxLength',
    ]);
  });
});
