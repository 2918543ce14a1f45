import { describe, expect, it } from 'vitest';
import { displayNameFault } from '../../src/clients/display-name.ts';

describe('the name of a client', () => {
  it.each([
    ['Persian with a non-joiner', '\u0645\u06cc\u200c\u0631\u0648\u062f'],
    ['Sinhala with a joiner', '\u0dc1\u0dca\u200d\u0dbb\u0dd3'],
    ['Hindi with a joiner', '\u0915\u094d\u200d\u0937'],
    ['Malayalam that ends in a joiner', '\u0d28\u0d4d\u200d'],
    ['Vietnamese, decomposed', 'Vie\u0323\u0302t'],
    ['Hebrew with points', '\u05e9\u05c1\u05bc\u05b8'],
    ['Thai', '\u0e17\u0e35\u0e48'],
    ['a family', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'],
    ['an astronaut with a skin tone', '\u{1f469}\u{1f3fd}\u200d\u{1f680}'],
    ['a pirate flag', '\u{1f3f4}\u200d\u2620\ufe0f'],
    ['a rainbow flag', '\u{1f3f3}\ufe0f\u200d\u{1f308}'],
    ['the flag of Scotland', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'],
    ['a keycap', '1\ufe0f\u20e3'],
    ['Mongolian with a variant and a vowel separator', '\u182e\u1823\u180b\u1828\u180e\u1820'],
    ['Tibetan stacks', '\u0f56\u0f66\u0f92\u0fb2\u0f74\u0f56\u0f66'],
    ['Hangul, decomposed', '\ud55c\uae00'.normalize('NFD')],
    ['an Arabic number sign', '\u0600\u0661'],
    ['an ideograph with a variant', '\u845b\u{e0100}'],
  ])('can be %s', (_what, name) => {
    expect(displayNameFault(name)).toBeUndefined();
  });

  it.each([
    ['a control character', 'a\nb'],
    ['a bidi control', 'a\u202eb'],
    ['a zero-width space', 'a\u200bb'],
    ['a non-joiner between Latin letters', 'Ele\u200cment'],
    ['a joiner after Cyrillic', '\u0430\u200d'],
    ['two joiners', '\u0645\u200c\u200c\u0631'],
    ['a joiner alone', '\u200d'],
    ['a Hangul filler', '\u3164'],
    ['a Hangul choseong filler', 'a\u115f'],
    ['a halfwidth Hangul filler', '\uffa0'],
    ['a blank braille pattern', '\u2800'],
    ['a variation selector alone', '\ufe0f'],
    ['a variation selector after a letter', 'Element\ufe0f'],
    ['a supplementary variation selector alone', '\u{e0100}'],
    ['interlinear marks', '\ufff9a\ufffab\ufffb'],
    ['a soft hyphen', 'a\u00adb'],
    ['an invisible operator', 'a\u2062b'],
    ['a musical format control', 'a\u{1d173}b'],
    ['a notehead without ink', 'a\u{1d159}b'],
    ['a shorthand format control', 'a\u{1bca0}b'],
    ['an object that is not there', 'a\ufffc'],
    ['a character of private use', 'a\ue000'],
    ['a noncharacter', 'a\ufffe'],
    ['a Mongolian selector after a Latin letter', 'a\u180b'],
    ['two Mongolian selectors', '\u182e\u180b\u180b'],
    ['a tag without a flag', 'a\u{e0067}\u{e007f}'],
  ])('holds nothing that nobody sees: %s', (_what, name) => {
    expect(displayNameFault(name)).toBe('must hold no control or invisible characters');
  });

  it.each(['\u0301Element', ' \u20ddElement', '\u0e34\u0e19'])(
    'does not begin on the text before it: %j',
    (name) => {
      expect(displayNameFault(name)).toBe('must not begin with a combining mark');
    },
  );

  it.each(['Z\u0300\u0301\u0302\u0303\u0304', '\u0300'.repeat(20), 'a' + '\u20dd'.repeat(5)])(
    'does not cover the text around it: %j',
    (name) => {
      expect(displayNameFault(name)).toBe('must hold at most 4 combining marks in a row');
    },
  );
});
