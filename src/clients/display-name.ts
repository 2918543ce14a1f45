/** Names that clients give themselves, as people will see them: what can pass for another name, or cover the text around it, is refused. */

/** Sequences that are one flag, such as that of Scotland: a black flag with letters nobody sees (UTS 51 section 2.6). */
const TAGGED_FLAG = /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,6}\u{e007f}/gu;

/**
 * Joiners that orthography or an emoji needs: after a letter or mark of a script that has them (Persian, Hindi, Sinhala), or within an
 * emoji sequence. Elsewhere they are invisible.
 */
const JOINER =
  /(?<=[[\p{L}\p{M}]--[\p{scx=Latn}\p{scx=Grek}\p{scx=Cyrl}\p{scx=Hani}\p{scx=Hang}\p{scx=Hira}\p{scx=Kana}\p{scx=Zinh}]])[\u200c\u200d]|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})/gv;

/** Variation selectors after a character that has variants: a pictograph, a keycap, an ideograph, a letter of Burmese or Mongolian. */
const SELECTOR =
  /(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[\p{Ideographic}\p{sc=Mymr}])[\ufe00-\ufe02]|(?<=\p{Ideographic})[\u{e0100}-\u{e01ef}]|(?<=[\p{L}&&\p{sc=Mong}])[\u180b-\u180f]/gv;

/**
 * Control characters, whatever Unicode says is to be ignored if it is not known (UAX 44, bidi controls, fillers and selectors among it), line
 * separators, characters that look like nothing, and what has no meaning to anybody but its sender; less what the above took.
 */
const INVISIBLE =
  /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Co}\p{Noncharacter_Code_Point}\u2028-\u202e\u2060-\u206f\u2800\ufeff\ufff9-\ufffc\u{1d159}]/u;

/** A mark that would stand on the text before the name. */
const LEADING_MARK = /^\s*\p{M}/u;

/** More nonspacing marks in a row than any orthography has (UTS 39 section 5.4). */
const STACKED = /[\p{Mn}\p{Me}]{5}/u;

/** Why a name cannot be shown; `undefined` if it can. */
export function displayNameFault(name: string): string | undefined {
  const visible = name.replace(TAGGED_FLAG, '\u{1f3f4}').replace(JOINER, '').replace(SELECTOR, '');
  if (INVISIBLE.test(visible)) return 'must hold no control or invisible characters';
  if (STACKED.test(visible)) return 'must hold at most 4 combining marks in a row';
  if (LEADING_MARK.test(visible)) return 'must not begin with a combining mark';
  return undefined;
}
