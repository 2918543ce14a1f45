/**
 * The field types of the sections. Each has what the documentation, the JSON Schema and the messages need: description, unit, an example, whether it is a
 * secret.
 */
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { claimTemplateFault } from '../protocol/claim-template.ts';
import { baseUrlFault, ownUrlFault, webUrlFault } from './urls.ts';

/** What a key's schema says in addition to type, default and bounds. */
export interface FieldMeta {
  /** What it means, in whole sentences, Markdown allowed. */
  readonly description: string;
  /** What a number counts. */
  readonly unit?: string;
  /** The default in words, if it is not in the schema because it depends on something else. */
  readonly fallback?: string;
  /** How it could be written, as YAML on one line. */
  readonly example?: string;
  /** What people call a value of an enumeration although it is not its name. */
  readonly otherNames?: Readonly<Record<string, string>>;
  /** Its value is never shown. */
  readonly secret?: true;
  /** It names a file or a socket: relative paths are resolved against the configuration file's folder. */
  readonly path?: true;
}

/** Describes a key; always the outermost call, because zod stores it with that schema object. */
export function described<S extends z.ZodType>(schema: S, meta: FieldMeta): S {
  return schema.meta({ ...meta });
}

/** The key's own description, whichever wrapper (default, optional) carries it. */
export function metaOf(schema: z.ZodType): Partial<FieldMeta> {
  return (schema.meta() ?? {}) as Partial<FieldMeta>;
}

/** A text with a rule of its own. The rule returns what the text must be, or `undefined` if it is. */
export function textRule(rule: (text: string) => string | undefined): z.ZodString {
  return z.string().check((context) => {
    const broken = rule(context.value);
    if (broken !== undefined) context.issues.push({ code: 'custom', input: context.value, message: broken });
  });
}

/** Any text of one line that is not empty. */
export const line = (): z.ZodString =>
  textRule((text) => {
    if (text.trim() === '') return 'must not be empty';
    return /[\x00-\x1f\x7f]/.test(text) ? 'must be a single line without control characters' : undefined;
  });

export const webUrl = (): z.ZodString => textRule(webUrlFault);
export const baseUrl = (): z.ZodString => textRule(baseUrlFault);
export const ownUrl = (): z.ZodString => textRule(ownUrlFault);

/** A secret in the configuration itself. */
export function secret(description: string): z.ZodOptional<z.ZodString> {
  const schema = textRule((text) => (text.trim() === '' ? 'must not be empty' : undefined)).optional();
  return described(schema, { description, secret: true });
}

/** The file that contains a secret: the sibling of a {@link secret} whose key has `_file` at its end. */
export function secretFile(key: string, more?: Partial<FieldMeta>): z.ZodOptional<z.ZodString> {
  const description = `File that contains \`${key}\`; a line break at the end is ignored. Set one of the two.`;
  return described(line().optional(), {
    path: true,
    ...more,
    description: [description, more?.description].filter(Boolean).join(' '),
  });
}

/** What a text is made of: a claim, a template, or several of which the first usable one counts. */
export const claimText = (): z.ZodUnion<[z.ZodString, z.ZodArray<z.ZodString>]> =>
  z.union([textRule(claimTemplateFault), z.array(textRule(claimTemplateFault)).min(1)]);

/** Whole seconds. */
export function seconds(
  bounds: { min: number; max: number; default: number },
  description: string,
): z.ZodDefault<z.ZodInt> {
  return described(z.int().min(bounds.min).max(bounds.max).default(bounds.default), {
    description,
    unit: 'seconds',
  });
}

/** Something that is counted. */
export function count(
  bounds: { min: number; max: number; default: number },
  unit: string,
  description: string,
): z.ZodDefault<z.ZodInt> {
  return described(z.int().min(bounds.min).max(bounds.max).default(bounds.default), { description, unit });
}

/** A switch. */
export function flag(fallback: boolean, description: string): z.ZodDefault<z.ZodBoolean> {
  return described(z.boolean().default(fallback), { description });
}

/** Why a text is neither an IP address nor a range of them; `undefined` if it is. */
export function addressRangeFault(text: string): string | undefined {
  if (text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text)) return undefined;
  return 'must be an IP address or a range such as 10.0.0.0/8';
}
