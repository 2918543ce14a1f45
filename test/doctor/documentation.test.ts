/** docs/doctor.md says what the doctor does. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anchorOf, severities } from '../../src/doctor/finding.ts';
import { judgeProviderFile } from '../../src/doctor/judge-provider.ts';
import { deps, startSetUp, type SetUp } from './set-up.ts';

const text = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');

function example(name: string): Record<string, unknown> {
  const json = new RegExp(`<!-- example: ${name} -->\\s+\`\`\`json\\n([^]*?)\`\`\``).exec(text)?.[1];
  return JSON.parse(json ?? 'null') as Record<string, unknown>;
}

/** The members of a value, at any depth, without those of empty lists. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => shapeOf(each, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, each]) => shapeOf(each, `${path}.${name}`));
}

describe('docs/doctor.md', () => {
  let setUp: SetUp;
  beforeAll(async () => {
    setUp = await startSetUp();
  });
  afterAll(() => setUp[Symbol.asyncDispose]());

  it('has an entry for every code, under the anchor that findings name, and none for others', () => {
    const headings = [...text.matchAll(/^### `(.+)`$/gm)].map((match) => match[1] ?? '');
    expect(headings.toSorted()).toEqual(Object.keys(severities).toSorted());
    const anchors = headings.map(anchorOf);
    expect(new Set(anchors).size).toBe(anchors.length);
    // As rendered: lower case, without what is neither letter, digit, underscore nor hyphen.
    expect(anchors).toEqual(headings.map((heading) => heading.toLowerCase().replace(/[^\w-]/g, '')));
  });

  it('shows the report as it is', async () => {
    setUp.idp.faults.discoveryIssuer = `${setUp.idp.issuer}/`;
    const report = await setUp.ask();
    const shown = example('report');
    expect(Object.keys(shown)).toEqual(Object.keys(report));
    expect(new Set(shapeOf(shown))).toEqual(new Set(shapeOf(report)));
    const [finding] = shown['findings'] as { code: string; severity: string; docs: string }[];
    const [real] = report.findings;
    expect(finding).toMatchObject({ code: real?.code, severity: real?.severity, docs: real?.docs });
    const names = new Set(report.probes.map(({ name }) => name));
    for (const { name } of shown['probes'] as { name: string }[]) expect(names).toContain(name);
  });

  it('shows the judgement of a provider as it is', async () => {
    const document = { issuer: 'https://idp.example.com/realms/main', scopes_supported: [] };
    const { provider } = await judgeProviderFile(deps, 'idp.json', JSON.stringify(document));
    const shown = example('provider') as unknown as NonNullable<typeof provider>;
    expect(Object.keys(shown)).toEqual(Object.keys(provider ?? {}));
    expect(Object.keys(shown.preset)).toEqual(Object.keys(provider?.preset ?? {}));
    expect(Object.keys(shown.modes)).toEqual(Object.keys(provider?.modes ?? {}));
    expect(Object.keys(shown.modes.facade)).toEqual(Object.keys(provider?.modes.facade ?? {}));
    expect(provider?.missing).toContainEqual(shown.missing[0]);
  });
});
