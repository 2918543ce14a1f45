import { describe, expect, it } from 'vitest';
import { pageStyle } from '../../../src/http/pages/style.ts';

/** Colours by name, of the first `:root` (light), or of both, of which the second (dark) wins. */
function colours(scheme: 'light' | 'dark'): Map<string, string> {
  const roots = [...pageStyle.matchAll(/:root \{([^}]*)\}/g)].map(([, body = '']) => body);
  const pairs = roots
    .slice(0, scheme === 'light' ? 1 : 2)
    .flatMap((body) => [...body.matchAll(/--([a-z-]+): (#[0-9a-f]+)/g)]);
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const digits = colour.length === 4 ? colour.replace(/[0-9a-f]/g, '$&$&') : colour;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each(['light', 'dark'] as const)('pages in %s', (scheme) => {
  const known = colours(scheme);
  it.each([
    ['text', 'card', 4.5],
    ['text', 'ground', 4.5],
    ['soft', 'card', 4.5],
    ['accent', 'card', 4.5],
    ['on-accent', 'accent', 4.5],
    ['danger', 'card', 4.5],
    ['edge', 'card', 3],
  ])('%s can be told from %s', (front, behind, least) => {
    const [low = 0, high = 0] = [front, behind]
      .map((name) => luminance(known.get(name) ?? '#000'))
      .sort((one, other) => one - other);
    expect((high + 0.05) / (low + 0.05)).toBeGreaterThanOrEqual(least);
  });

  it('names every colour that it uses', () => {
    for (const [, name = ''] of pageStyle.matchAll(/var\(--([a-z-]+)\)/g))
      expect([...known.keys()]).toContain(name);
  });
});
