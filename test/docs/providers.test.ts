/** The pages under docs/providers/: what they say must be so. */
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { inspectFile } from '../../src/config/load.ts';
import { presets } from '../../src/upstream/presets/presets.ts';
import { resolveSettings } from '../../src/upstream/resolved-settings.ts';
import { makeFolder } from '../config/support.ts';

const folder = new URL('../../docs/providers/', import.meta.url).pathname;
const pages = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
const snippetsOf = (text: string): string[] =>
  [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, snippet = '']) => snippet);

const keyOfApple = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

/** What stands around the snippet in a whole configuration. */
const rest = stringify({
  server_name: 'example.com',
  public_url: 'https://auth.example.com/',
  homeserver: {
    kind: 'none',
    public_url: 'https://matrix.example.com/',
    secret: 'shared-with-the-homeserver',
  },
});

describe('docs/providers', () => {
  it('has a page for every preset that is a product, and no other', () => {
    const products = [...presets.keys()].filter((name) => name !== 'generic');
    expect(pages.sort()).toEqual(products.map((name) => `${name}.md`).sort());
  });

  it.each(pages)('%s stands in the list, tried or from documents as its preset says', (name) => {
    const preset = presets.get(name.replace('.md', ''));
    const line = textOf('README.md')
      .split('\n')
      .find((each) => each.includes(`(${name})`));
    const page = textOf(name);
    expect(page).toMatch(preset?.evidence === 'tried' ? /^Tried with \d/m : /^From documents; not tried/m);
    const version = /^Tried with ([\d.]*\d)/m.exec(page)?.[1];
    expect(line).toContain(version === undefined ? 'from documents' : `tried with ${version}`);
    expect(line).toContain(`\`${preset?.name ?? ''}\``);
  });

  it.each(pages)('%s has a configuration that holds, and uses its preset', (name) => {
    const snippets = snippetsOf(textOf(name));
    expect(snippets.length).toBeGreaterThan(0);
    for (const snippet of snippets) {
      const place = makeFolder({
        'gatehouse.yaml': rest + snippet,
        'idp.secret': 'secret-of-the-client',
        'AuthKey_FGHIJ67890.p8': keyOfApple,
      });
      const { config, faults, warnings } = inspectFile(join(place, 'gatehouse.yaml'), {});
      expect({ faults, warnings }).toEqual({ faults: [], warnings: [] });
      const [provider] = config?.providers ?? [];
      expect(provider?.preset).toBe(name.replace('.md', ''));
      if (provider !== undefined) expect(() => resolveSettings(provider)).not.toThrow();
      expect(textOf(name)).toContain(`https://auth.example.com/upstream/${provider?.id ?? ''}/callback`);
    }
  });
});
