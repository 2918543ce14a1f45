import { describe, expect, test } from 'vitest';
import { inspectText, minimal } from './support.ts';

const start = 'server_name: example.com\n';

describe('a syntax error names line and column, says what it is, and shows no text of the file', () => {
  test.each<[name: string, yaml: string, line: number, column: number, problem: RegExp]>([
    ['a key twice', `${start}server_name: geheim\n`, 2, 1, /same key twice/],
    ['a key twice in a section', `listen:\n  port: 1\n  port: 2\n`, 3, 3, /same key twice/],
    ['a key twice in braces', `listen: { port: 1, port: 2 }\n`, 1, 20, /same key twice/],
    ['a tab', `listen:\n\tport: 1\n`, 2, 1, /tab/],
    ['an open list', `listen: { trusted_proxies: [geheim }\n`, 1, 36, /bracket/],
    [
      'an open list within braces and more after it',
      `listen: { trusted_proxies: [geheim }\nmode: facade\n`,
      1,
      36,
      /bracket/,
    ],
    ['open braces', `listen: { port: 1\n`, 2, 1, /bracket|brace/],
    [
      'open braces and keys after them',
      `listen: { port: 1\nmode: facade\nlog: { level: info }\n`,
      2,
      1,
      /bracket|brace|allow|not valid/,
    ],
    ['an open list at the end', `listen: [geheim\n`, 2, 1, /bracket/],
    ['a bracket too many', `listen: { trusted_proxies: [geheim]] }\n`, 1, 36, /./],
    ['an open quote', `${start}secret: "geheim\n`, 3, 1, /closing "quote/],
    [
      'a wrong indentation',
      `listen:\n    port: 1\n  host: geheim\n`,
      3,
      1,
      /not valid YAML|indentation|allow/,
    ],
    ['an alias to nothing', `${start}mode: *geheim\n`, 2, 7, /alias|\*/],
    ['a tag', `${start}mode: !geheim x\n`, 2, 7, /tag/],
    ['a reserved character', `${start}mode: @geheim\n`, 2, 7, /reserved/],
    ['an unknown escape', `${start}mode: "\\qgeheim"\n`, 2, 8, /escape sequence/],
    ['two documents', `${start}---\nmode: geheim\n`, 2, 1, /more than one document/],
    ['text after a text', `mode: "a" geheim\n`, 1, 11, /allow/],
    ['no colon', `${start}geheim\n`, 2, 1, /not valid YAML/],
  ])('%s', (_name, yaml, line, column, problem) => {
    const { faults, config } = inspectText(yaml);
    expect(config).toBeUndefined();
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ problem: expect.stringMatching(problem) as string, line });
    if (faults[0]?.column !== undefined) expect(faults[0].column).toBe(column);
    expect(JSON.stringify(faults)).not.toContain('geheim');
  });
});

test('anchors and aliases work; merge keys are keys like any other', () => {
  const text = `${start}public_url: &url https://auth.example.com/
providers: [{ id: main, issuer: https://idp.example.com, client_id: x, client_secret: y }]
homeserver: { public_url: *url }
`;
  expect(inspectText(text).faults).toEqual([]);
  expect(inspectText(`${text}log:\n  <<: { level: info }\n`).faults).toMatchObject([{ path: 'log.<<' }]);
});

test('a document that grows out of proportion is refused', () => {
  const levels = Array.from({ length: 12 }, (_, index) => {
    const before = index === 0 ? 'x' : `*a${index - 1}`;
    return `a${index}: &a${index} [${Array.from({ length: 10 }, () => before).join(', ')}]`;
  });
  expect(inspectText(levels.join('\n')).faults[0]?.problem).toContain('alias');
});

test('a fault is placed at its key, wherever that stands', () => {
  const { faults } = inspectText(`# a comment

server_name: example.com
public_url:
  https://auth.example.com/
providers:
  # the first
  - id: main
    issuer: https://idp.example.com
    client_id: x
    client_secret: y
    claims: { localpart: "{a", displayname: "}" }
  - just text
"log":
  level: loud
`);
  expect(faults.map(({ path, line, column }) => [path, line, column])).toEqual([
    ['providers[0].claims.localpart', 12, 15],
    ['providers[0].claims.displayname', 12, 32],
    ['providers[1]', 13, 5],
    ['log.level', 15, 3],
  ]);
});

test('JSON is YAML too', () => {
  expect(inspectText(JSON.stringify(minimal(), undefined, 2)).faults).toEqual([]);
});
