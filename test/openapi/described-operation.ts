/** What an OpenAPI document says of its operations, flattened so that two documents can be compared. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';

/** A member of a body: `device_id`, `identifier.type`, `devices[].device_id`. */
export interface Member {
  /** JSON type; `any` where the document leaves it open. */
  readonly type: string;
  /** Whether it is always there where what holds it is. */
  readonly required: boolean;
}

export interface Body {
  readonly required: boolean;
  readonly members: ReadonlyMap<string, Member>;
  /** Objects that may hold more than what is named; the empty name is the body itself. */
  readonly open: ReadonlySet<string>;
}

export interface DescribedOperation {
  /** `GET /_matrix/client/v3/devices/{}`: parameters of the path have no name here. */
  readonly key: string;
  readonly token: 'needed' | 'taken' | 'not asked for';
  /** `query action` → whether it must be there. */
  readonly parameters: ReadonlyMap<string, boolean>;
  readonly body: Body | undefined;
  /** Status, `4XX` included, → JSON body; `undefined` where it has none. */
  readonly answers: ReadonlyMap<string, Body | undefined>;
  /** Other paths that it is served under. */
  readonly also: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'post', 'put', 'delete', 'patch'];

/** Reads all operations of a document. References are followed; one that leads out of the folders at hand counts as "anything". */
export function readOperations(file: string): DescribedOperation[] {
  return describeOperations(readWhole(file) as Json);
}

/** The operations of a document without references. */
export function describeOperations(document: Json): DescribedOperation[] {
  const base = basePathOf(document);
  const fallback = document['security'];
  return Object.entries(objectAt(document, 'paths')).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Json)[method] as Json | undefined;
      if (operation === undefined) return [];
      const parameters = [...listAt(item as Json, 'parameters'), ...listAt(operation, 'parameters')];
      return [
        {
          key: `${method.toUpperCase()} ${(base + path).replace(/\{[^}]+\}/g, '{}')}`,
          token: tokenOf(operation['security'] ?? fallback),
          parameters: new Map(
            parameters.map((each) => [
              `${String(each['in'])} ${String(each['name'])}`,
              each['required'] === true,
            ]),
          ),
          body: bodyOf(operation['requestBody'] as Json | undefined),
          answers: new Map(
            Object.entries(objectAt(operation, 'responses')).map(([status, answer]) => [
              status,
              bodyOf(answer as Json),
            ]),
          ),
          also: listAt(item as Json, 'x-gatehouse-also').map(String),
        },
      ];
    }),
  );
}

/** A document with everything that it refers to put in place. */
export function readWhole(file: string): unknown {
  const expand = (node: unknown, from: string): unknown => {
    if (Array.isArray(node)) return node.map((each) => expand(each, from));
    if (node === null || typeof node !== 'object') return node;
    const reference = (node as Json)['$ref'];
    if (typeof reference === 'string') {
      const [target = '', pointer = ''] = reference.split('#');
      const path = target === '' ? from : join(dirname(from), target);
      const found = load(path);
      return found === undefined ? {} : expand(step(found, pointer), path);
    }
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, expand(value, from)]));
  };
  const load = (path: string): unknown => {
    try {
      return parse(readFileSync(path, 'utf8')) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && path !== file) return undefined;
      throw error;
    }
  };
  return expand(load(file), file);
}

function step(root: unknown, pointer: string): unknown {
  let node = root;
  for (const name of pointer.split('/').slice(1)) {
    node = (node as Json | undefined)?.[name.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return node;
}

/** The official documents have it as a variable of their server's URL; ours write whole paths. */
function basePathOf(document: Json): string {
  const [server] = listAt(document, 'servers');
  const variables = objectAt(server ?? {}, 'variables');
  return (objectAt(variables, 'basePath')['default'] as string | undefined) ?? '';
}

function tokenOf(security: unknown): DescribedOperation['token'] {
  const ways = (security ?? []) as Json[];
  if (ways.length === 0) return 'not asked for';
  return ways.some((way) => Object.keys(way).length === 0) ? 'taken' : 'needed';
}

function bodyOf(holder: Json | undefined): Body | undefined {
  const schema = objectAt(objectAt(holder ?? {}, 'content'), 'application/json')['schema'] as
    Json | undefined;
  if (schema === undefined) return undefined;
  const members = new Map<string, Member>();
  const open = new Set<string>();
  collect(schema, '', members, open);
  return { required: holder?.['required'] === true, members, open };
}

function collect(schema: Json, name: string, members: Map<string, Member>, open: Set<string>): void {
  const whole = merged(schema);
  const type = typeOf(whole);
  if (type === 'array') {
    collect(objectAt(whole, 'items'), `${name}[]`, members, open);
    return;
  }
  const extra = whole['additionalProperties'];
  if (type === 'any' || extra === true || (typeof extra === 'object' && extra !== null)) open.add(name);
  const required = listAt(whole, 'required').map(String);
  for (const [property, value] of Object.entries(objectAt(whole, 'properties'))) {
    const path = name === '' ? property : `${name}.${property}`;
    members.set(path, { type: typeOf(merged(value as Json)), required: required.includes(property) });
    collect(value as Json, path, members, open);
  }
}

/** `allOf` put together; of `oneOf` and `anyOf` what any of them names, and must be there what all of them require. */
function merged(schema: Json): Json {
  const all = listAt(schema, 'allOf').map(merged);
  const any = [...listAt(schema, 'oneOf'), ...listAt(schema, 'anyOf')].map(merged);
  if (all.length === 0 && any.length === 0) return schema;
  const parts = [schema, ...all, ...any];
  const common = listAt(any[0] ?? {}, 'required').filter((name) =>
    any.every((each) => listAt(each, 'required').includes(name)),
  );
  const types = new Set(parts.flatMap((part) => (part['type'] === undefined ? [] : [typeOf(part)])));
  return {
    ...schema,
    ...(types.size === 0 ? {} : { type: [...types] }),
    ...Object.assign({}, ...all.map(({ items }) => (items === undefined ? {} : { items }))),
    properties: Object.assign({}, ...parts.map((part) => objectAt(part, 'properties'))) as Json,
    required: [...[schema, ...all].flatMap((part) => listAt(part, 'required')), ...common],
    ...(parts.some((part) => part['additionalProperties'] === true) ? { additionalProperties: true } : {}),
  };
}

function typeOf(schema: Json): string {
  const { type } = schema;
  if (Array.isArray(type)) return type.map(String).sort().join('|');
  if (typeof type === 'string') return type;
  return schema['properties'] === undefined ? 'any' : 'object';
}

function objectAt(holder: Json, name: string): Json {
  return (holder[name] ?? {}) as Json;
}

function listAt(holder: Json, name: string): Json[] {
  return (holder[name] ?? []) as Json[];
}
