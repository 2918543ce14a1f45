/**
 * How a claim of the identity provider becomes a local text: the name of a claim (`preferred_username`), or a template with
 * claims in braces (`{given_name} {family_name}`), each with filters (`{email|before_at}`). Dots in a name lead into objects.
 */
import { claimAt, type Claims } from './claim-path.ts';

/** What a filter does to a claim's text. */
const filters: Readonly<Record<string, (text: string) => string>> = {
  /** The text before the first `@`. */
  before_at: (text) => text.replace(/@.*$/s, ''),
  /** Everything in lower case. */
  lower: (text) => text.toLowerCase(),
  /** Matrix appendices, "Mapping from other character sets": what a localpart cannot hold becomes `=` and two hex digits a byte. */
  escape: (text) =>
    Array.from(Buffer.from(text.toLowerCase()), (byte) => {
      const character = String.fromCharCode(byte);
      if (/[a-z0-9._/+-]/.test(character)) return character;
      return `=${byte.toString(16).padStart(2, '0')}`;
    }).join(''),
};

type Part = { readonly literal: string } | { readonly claim: string; readonly filters: readonly string[] };

/** Why a text is neither a claim's name nor a template; `undefined` if it is one. */
export function claimTemplateFault(template: string): string | undefined {
  if (template === '') return 'must name a claim';
  for (const part of partsOf(template)) {
    if ('literal' in part) {
      if (/[{}]/.test(part.literal)) return 'has a brace without its partner';
      continue;
    }
    if (part.claim === '') return 'has a pair of braces without the name of a claim';
    const unknown = part.filters.find((name) => !Object.hasOwn(filters, name));
    if (unknown !== undefined) {
      return `has an unknown filter \`${unknown}\`; there are ${Object.keys(filters).join(', ')}`;
    }
  }
  return undefined;
}

/** A template, or several in the order in which they are tried. */
export type ClaimTemplate = string | readonly string[];

/** The claims that a template reads. */
export function claimsOf(template: ClaimTemplate): string[] {
  const parts = alternativesOf(template).flatMap(partsOf);
  return [...new Set(parts.flatMap((part) => ('claim' in part ? [part.claim] : [])))];
}

/** The templates of which the first usable one counts. */
export function alternativesOf(template: ClaimTemplate): readonly string[] {
  return typeof template === 'string' ? [template] : template;
}

/**
 * The text that a template makes of the claims; `undefined` if one of them is missing, empty, or neither text nor number. Of several templates, the
 * first text that is usable.
 */
export function renderClaimTemplate(
  template: ClaimTemplate,
  claims: Claims,
  isUsable: (text: string) => boolean = () => true,
): string | undefined {
  for (const each of alternativesOf(template)) {
    const text = render(each, claims);
    if (text !== undefined && isUsable(text)) return text;
  }
  return undefined;
}

function render(template: string, claims: Claims): string | undefined {
  let result = '';
  for (const part of partsOf(template)) {
    if ('literal' in part) {
      result += part.literal;
      continue;
    }
    const value = claimAt(claims, part.claim);
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const text = part.filters.reduce((before, name) => filters[name]?.(before) ?? before, String(value));
    if (text.trim() === '') return undefined;
    result += text;
  }
  return result;
}

function partsOf(template: string): Part[] {
  if (!/[{}]/.test(template)) return [{ claim: template, filters: [] }];
  const parts: Part[] = [];
  for (const [text, inner] of template.matchAll(/\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    if (inner === undefined) parts.push({ literal: text });
    else {
      const [claim = '', ...names] = inner.split('|').map((word) => word.trim());
      parts.push({ claim, filters: names });
    }
  }
  return parts;
}
