/** What every page of the documentation owes its reader: links that lead somewhere, and configurations that hold. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { inspectFile } from '../../src/config/load.ts';
import { makeFolder } from '../config/support.ts';

const root = new URL('../../', import.meta.url).pathname;
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const textOf = (name: string): string => readFileSync(join(root, name), 'utf8');

/** As GitHub makes them: lower case, blanks as hyphens, without what is neither letter, digit, underscore nor hyphen. */
function anchorsOf(text: string): string[] {
  return [...text.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(pages)('%s', (page) => {
  it('has no link that leads nowhere', () => {
    const text = textOf(page).replace(/^```.*?^```$/gms, '');
    const broken = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([link, file = '', anchor]) => {
        const target = file === '' ? page : join(dirname(page), file);
        if (!existsSync(join(root, target))) return [link];
        const isHeading = anchor === undefined || anchorsOf(textOf(target)).includes(anchor);
        return isHeading ? [] : [link];
      },
    );
    expect(broken).toEqual([]);
  });
});

it('README links to every page of the documentation, and the list of the providers to each of theirs', () => {
  const linked = [...textOf('README.md').matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => target);
  const own = pages.filter((page) => page !== 'README.md');
  expect(own.filter((page) => !linked.includes(page))).toEqual([]);
  const providers = pages.filter((page) => /^docs\/providers\/(?!README)/.test(page));
  const list = textOf('docs/providers/README.md');
  expect(providers.filter((page) => !list.includes(`(${page.replace('docs/providers/', '')})`))).toEqual([]);
});

it.each(pages)('%s names no command that fetches a package of somebody else', (page) => {
  expect(textOf(page)).not.toMatch(/\b(?:npx|npm exec|npm install(?: -g)?) gatehouse\b/);
});

/** A sound configuration, of which a page shows what is about its subject. */
const whole = {
  server_name: 'example.com',
  public_url: 'https://auth.example.com/',
  listen: { trusted_proxies: ['127.0.0.1'] },
  providers: [
    { id: 'main', issuer: 'https://idp.example.com/', client_id: 'gatehouse', client_secret: 'x'.repeat(20) },
  ],
  homeserver: {
    kind: 'none',
    public_url: 'https://matrix.example.com/',
    secret: 'shared-with-the-homeserver',
  },
};

describe.each(['docs/legacy-login.md', 'docs/reverse-proxy/nginx.md'])('the configurations of %s', (page) => {
  const snippets = [...textOf(page).matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, snippet = '']) => snippet);

  it('hold', () => {
    expect(snippets.length).toBeGreaterThan(0);
    for (const snippet of snippets) {
      const changed = parse(snippet) as Record<string, object>;
      const homeserver = { ...whole.homeserver, ...changed['homeserver'] };
      const place = makeFolder({ 'gatehouse.yaml': stringify({ ...whole, ...changed, homeserver }) });
      const { faults, warnings } = inspectFile(join(place, 'gatehouse.yaml'), {});
      expect(faults).toEqual([]);
      expect(warnings.filter(({ path }) => !path.includes('password'))).toEqual([]);
    }
  });
});
