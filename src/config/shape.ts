/** Reads the schema: which keys exist, and what each accepts. */
import { z } from 'zod';
import type { KeyPath } from './fault.ts';
import { metaOf, type FieldMeta } from './fields.ts';

/** The schema without its wrappers (default, optional). */
export function unwrap(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  return schema as z.ZodType;
}

/** The keys of an object schema; of a union, those of its object alternatives. */
export function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return inner.shape;
  if (inner instanceof z.ZodUnion) return inner.options.map((option) => shapeOf(option)).find(Boolean);
  return undefined;
}

/** The list that may stand there: the schema itself, or an alternative of a union. */
export function listOf(schema: z.core.$ZodType): z.ZodArray | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return inner;
  return inner instanceof z.ZodUnion
    ? inner.options.map((option) => listOf(option)).find(Boolean)
    : undefined;
}

/** The schema of a key or index below another; `undefined` if there is no such key. */
export function childOf(schema: z.core.$ZodType, key: string | number): z.ZodType | undefined {
  const inner = unwrap(schema);
  if (typeof key === 'number') return listOf(inner)?.element as z.ZodType | undefined;
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
  const shape = shapeOf(schema);
  return shape !== undefined && Object.hasOwn(shape, key) ? shape[key] : undefined;
}

/** The schema at a path; `undefined` if there is no such key. */
export function schemaAt(root: z.ZodType, path: KeyPath): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root;
  for (const key of path) schema = schema && childOf(schema, key);
  return schema;
}

/** What the key at a path says about itself. */
export function metaAt(root: z.ZodType, path: KeyPath): Partial<FieldMeta> {
  const schema = schemaAt(root, path);
  return schema === undefined ? {} : metaOf(schema);
}

/** Whether the key is a text (so that an environment variable needs no quotes). */
export function isText(schema: z.ZodType): boolean {
  const inner = unwrap(schema);
  return inner instanceof z.ZodString || inner instanceof z.ZodEnum;
}

/** Whether the leaf takes text or a list. */
export function isTextOrList(schema: z.ZodType): boolean {
  const inner = unwrap(schema);
  return (
    inner instanceof z.ZodUnion &&
    listOf(inner) !== undefined &&
    inner.options.some((each) => isText(each as z.ZodType))
  );
}

/** A whole number, with the bounds that the schema sets; without bounds, zod reports the largest safe integers or infinity. */
function rangeOf(min: number | null, max: number | null): string {
  const bounds = [
    ...(min !== null && Number.isFinite(min) && min !== Number.MIN_SAFE_INTEGER ? [`from ${min}`] : []),
    ...(max !== null && Number.isFinite(max) && max !== Number.MAX_SAFE_INTEGER ? [`to ${max}`] : []),
  ];
  return ['a whole number', ...bounds].join(' ');
}

/** The accepted values in words: `a whole number from 0 to 65535`. */
export function kindOf(schema: z.ZodType): string {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodString) return 'text';
  if (inner instanceof z.ZodNumber) {
    return rangeOf(inner.minValue, inner.maxValue);
  }
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodEnum) {
    const options = inner.options.map((option) => `\`${option}\``);
    return options.length === 1 ? String(options[0]) : `one of ${options.join(', ')}`;
  }
  if (inner instanceof z.ZodArray) {
    const element = unwrap(inner.element);
    if (element instanceof z.ZodObject) return 'a list of mappings';
    return element instanceof z.ZodString ? 'a list of texts' : `a list, each ${kindOf(element)}`;
  }
  if (inner instanceof z.ZodUnion)
    return inner.options.map((option) => kindOf(option as z.ZodType)).join(', or ');
  if (inner instanceof z.ZodObject) {
    const keys = Object.keys(inner.shape);
    return keys.length <= 2 ? `a mapping with ${keys.map((key) => `\`${key}\``).join(', ')}` : 'a mapping';
  }
  return inner instanceof z.ZodRecord ? 'a mapping' : 'anything';
}
