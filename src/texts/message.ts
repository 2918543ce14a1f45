/** A text before it is in a language: what is to be said, and what stands in it. Data, so that whoever refuses or stores something need not know who reads it. */
import type { en } from './en.ts';

/** Name of a text. English has every text, so its catalogue names them all. */
export type TextKey = keyof typeof en;

type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

/** Names of what has to be put into a text: those in its braces; a text with a plural also needs its `count`. */
export type ParameterName<Key extends TextKey> = (typeof en)[Key] extends string
  ? Placeholders<(typeof en)[Key]>
  : Placeholders<(typeof en)[Key][keyof (typeof en)[Key]]> | 'count';

/** `Value`: what stands in the text. Nothing, if the text has no braces. */
export type Parameters<Key extends TextKey, Value> = [ParameterName<Key>] extends [never]
  ? []
  : [parameters: Readonly<Record<ParameterName<Key>, Value>>];

export interface Message {
  readonly key: TextKey;
  /** What stands in it, by placeholder: text that others wrote (names, values), a number, or another message. */
  readonly parameters: Readonly<Record<string, string | number | Message>>;
}

/** A message of this key; the compiler asks for exactly the parameters that its text has. */
export function message<Key extends TextKey>(
  key: Key,
  ...[parameters]: Parameters<Key, string | number | Message>
): Message {
  return { key, parameters: parameters ?? {} };
}
