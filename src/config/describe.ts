/** The configuration reference, as Markdown and as JSON Schema, generated from the schema. */
import { z } from 'zod';
import { environmentName } from './environment.ts';
import { formatPath, type KeyPath } from './fault.ts';
import { metaOf, type FieldMeta } from './fields.ts';
import { notBuilt } from './not-built.ts';
import { configSchema } from './schema.ts';
import { kindOf, shapeOf, unwrap } from './shape.ts';

/** A key of the configuration. Lists are described by their first entry. */
interface Entry {
  readonly path: KeyPath;
  readonly schema: z.ZodType;
  readonly meta: Partial<FieldMeta>;
}

/** `docs/configuration.md`: every key with type, bounds, default, unit, environment variable and meaning. */
export function describeAsMarkdown(): string {
  const sections = Object.entries(shapeOf(configSchema) ?? {});
  const single = sections.filter(([, schema]) => !isSection(schema));
  const parts = [INTRODUCTION, '## At the top of the file'];
  for (const [key, schema] of single)
    parts.push(...describeKey({ path: [key], schema, meta: metaOf(schema) }));
  for (const [key, schema] of sections) {
    if (!isSection(schema)) continue;
    parts.push(`## \`${key}\``, sectionText(key, schema));
    for (const entry of entriesOf(schema, [key])) parts.push(...describeKey(entry));
  }
  return `${parts.join('\n\n')}\n`;
}

/** `docs/config.schema.json`, for editors (JSON Schema 2020-12). Rules between keys are not part of it: `gatehouse config check` checks them. */
export function describeAsJsonSchema(): unknown {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      const { unit, description } = jsonSchema as { unit?: string; description?: string };
      for (const key of ['unit', 'example', 'fallback', 'secret', 'path', 'otherNames'])
        Reflect.deleteProperty(jsonSchema, key);
      if (unit !== undefined) jsonSchema.description = `${description ?? ''} Unit: ${unit}.`;
      // An empty section and one that is left out are the same.
      if (jsonSchema.type === 'object') delete jsonSchema.default;
    },
  });
  const { $schema, ...rest } = schema;
  return { $schema, title: 'Configuration of Gatehouse', ...rest };
}

function isSection(schema: z.ZodType): boolean {
  return entriesOf(schema, []).length > 0;
}

/** All leaves below a section, or below the entries of a list, in the order of the schema. */
function entriesOf(schema: z.ZodType, path: KeyPath): Entry[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return entriesOf(inner.element as z.ZodType, [...path, 0]);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, child]) => {
    const here = [...path, key];
    const below = entriesOf(child, here);
    return below.length > 0 ? below : [{ path: here, schema: child, meta: metaOf(child) }];
  });
}

function sectionText(key: string, schema: z.ZodType): string {
  const list =
    unwrap(schema) instanceof z.ZodArray ? ' A list; `[0]` is its first entry, `[1]` the next.' : '';
  return [`${metaOf(schema).description ?? ''}${list}`, ...notAvailable(key)].join('\n\n');
}

function describeKey({ path, schema, meta }: Entry): string[] {
  const key = formatPath(path);
  const facts = [
    capitalise(kindOf(schema)) + (meta.unit === undefined ? '' : ` (${meta.unit})`),
    defaultOf(schema, meta),
    ...(meta.secret === true ? ['secret'] : []),
    `environment: \`${environmentName(path)}\``,
  ];
  const example = meta.example === undefined ? [] : [`Example: \`${String(path.at(-1))}: ${meta.example}\``];
  const missing = notAvailable(key.replaceAll('[0]', '[]'));
  return [`### \`${key}\``, facts.join(' · '), meta.description ?? '', ...example, ...missing];
}

function defaultOf(schema: z.ZodType, meta: Partial<FieldMeta>): string {
  if (meta.fallback !== undefined) return `default: ${meta.fallback}`;
  if (schema instanceof z.ZodDefault) return `default: \`${asYaml(schema.def.defaultValue)}\``;
  return schema instanceof z.ZodOptional ? 'optional' : '**required**';
}

function asYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((entry) => asYaml(entry)).join(', ')}]`;
  if (typeof value !== 'string') return JSON.stringify(value);
  return /[:#{}[\]]/.test(value) ? JSON.stringify(value) : value;
}

function notAvailable(key: string): string[] {
  return notBuilt
    .filter((entry) => entry.key === key || (entry.key.includes('.') && key.startsWith(`${entry.key}[]`)))
    .map(({ what }) => `> **Not available in this version:** ${what}. It is refused, never ignored.`);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config by \`npm run generate\`. Changes by hand are lost. -->

The reference of all configuration keys. The configuration is one YAML file, \`gatehouse.yaml\` by default; start from [the example](gatehouse.example.yaml). Editors that support JSON Schema complete and check it with [config.schema.json](config.schema.json).

- \`gatehouse config check --config FILE\` applies exactly the rules of the start. It reports all faults at once, each with its place and how to fix it. The exit code is 0, or 2 if there are faults; \`--json\` prints JSON.
- Unknown keys, keys without a value and duplicate keys are faults.
- **Environment.** Every key can be set by a variable, which then replaces the value in the file. Its name is \`GATEHOUSE__\`, the section, \`__\` and the key, all in upper case; list entries are named by their index from 0 (\`GATEHOUSE__PROVIDERS__0__CLIENT_SECRET\`). If the key is a text, the value is used as it is; otherwise it is read as YAML (\`8090\`, \`true\`, \`[openid, profile]\`). A variable that matches no key is a fault.
- **Secrets** can be in separate files: \`client_secret_file\` instead of \`client_secret\`, and so on. Setting both is a fault, and so is an empty file. A line break at the end is ignored. Make the files readable only by the service's user.
- **Relative paths** are resolved against the folder of the configuration file, wherever they are set.
- **\`http\`** is accepted for loopback hosts only, unless a key such as \`allow_http\` explicitly allows it.`;
