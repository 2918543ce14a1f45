import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { generateConfigDocs } from '../../scripts/generate-config-docs.ts';
import { describeAsJsonSchema, describeAsMarkdown } from '../../src/config/describe.ts';
import { inspectFile } from '../../src/config/load.ts';
import { notBuilt } from '../../src/config/not-built.ts';
import { configSchema, type Config } from '../../src/config/schema.ts';
import { metaOf } from '../../src/config/fields.ts';
import { kindOf, unwrap } from '../../src/config/shape.ts';
import type { ProviderSettings } from '../../src/upstream/settings.ts';
import { makeFolder, minimal } from './support.ts';

const docs = join(import.meta.dirname, '../../docs');

test('the generated reference is the one in docs/', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'gatehouse-docs-'));
  try {
    for (const path of await generateConfigDocs(fresh)) {
      const now = await readFile(join(docs, '..', path), 'utf8');
      expect(now, `${path}: run npm run generate`).toBe(await readFile(join(fresh, path), 'utf8'));
    }
  } finally {
    await rm(fresh, { recursive: true });
  }
});

describe('the reference', () => {
  const text = describeAsMarkdown();

  test('has every key, with its variable and what it means', () => {
    const keys = text.split('\n').filter((line) => line.startsWith('### '));
    expect(keys.length).toBeGreaterThan(60);
    for (const key of [
      'server_name',
      'providers[0].client_secret_file',
      'providers[0].discovery.min_ttl_seconds',
    ]) {
      expect(keys).toContain(`### \`${key}\``);
    }
    expect(text).toContain('`GATEHOUSE__PROVIDERS__0__CLIENT_SECRET_FILE`');
  });

  test('leaves nothing without a description', () => {
    const visit = (schema: z.core.$ZodType, path: string): void => {
      const inner = unwrap(schema);
      if (inner instanceof z.ZodArray) visit(inner.element, `${path}[]`);
      if (!(inner instanceof z.ZodObject)) return;
      for (const [key, child] of Object.entries(inner.shape)) {
        expect(metaOf(child).description, `${path}.${key}`).toMatch(/\.$|\)$/);
        visit(child, `${path}.${key}`);
      }
    };
    visit(configSchema, '');
  });

  test('says what is not available in this version', () => {
    for (const { what } of notBuilt) expect(text).toContain(`> **Not available in this version:** ${what}`);
  });
});

describe('the JSON Schema', () => {
  const schema = describeAsJsonSchema() as Parameters<typeof z.fromJSONSchema>[0];
  const judge = z.fromJSONSchema(schema);

  test('accepts what the configuration accepts, and knows its keys', () => {
    expect(judge.safeParse(minimal()).success).toBe(true);
    expect(judge.safeParse(minimal({ mode: 'other' })).success).toBe(false);
    expect(judge.safeParse(minimal({ listen: { port: 65_536 } })).success).toBe(false);
    expect(judge.safeParse(minimal({ sever_name: 'a' })).success).toBe(false);
    expect(judge.safeParse(minimal({ server_name: undefined })).success).toBe(false);
  });

  test('has no words that JSON Schema does not know', () => {
    expect(JSON.stringify(schema)).not.toMatch(/"(unit|fallback|secret|path|example)":(true|")/);
  });
});

test('the example is in order', () => {
  const text = readFileSync(join(docs, 'gatehouse.example.yaml'), 'utf8');
  const folder = makeFolder({
    'gatehouse.yaml': text,
    'idp.secret': 'x',
    'homeserver.secret': 'x'.repeat(32),
  });
  const { faults, warnings } = inspectFile(join(folder, 'gatehouse.yaml'), {});
  expect({ faults, warnings }).toEqual({ faults: [], warnings: [] });
});

test('a provider of the configuration is what the upstream part takes', () => {
  const pass = (provider: Config['providers'][number]): ProviderSettings => provider;
  expect(pass).toBeTypeOf('function');
});

test.each([
  [z.number(), 'a whole number'],
  [z.int(), 'a whole number'],
  [z.number().min(3), 'a whole number from 3'],
  [z.number().max(3), 'a whole number to 3'],
  [z.int().min(0).max(65_535), 'a whole number from 0 to 65535'],
  [z.union([z.string(), z.number(), z.boolean()]), 'text, or a whole number, or true or false'],
])('a number is described by the bounds it has, and by no others: %#', (schema, words) => {
  expect(kindOf(schema)).toBe(words);
});
