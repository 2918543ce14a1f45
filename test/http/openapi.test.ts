import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApiDocument, Reply } from '../../src/http/exchange.ts';
import { loadOperations } from '../../src/http/openapi.ts';
import { fixtures, handlersFor, oauthOperations, startApp } from './support.ts';

const load = (...documents: ApiDocument[]): unknown => loadOperations(fixtures, documents);

describe('documents and handlers', () => {
  it('must agree: every difference is told at once', () => {
    const handlers = handlersFor(['getThing', 'other']);
    expect(() => load({ file: 'matrix.yaml', dialect: 'matrix', handlers })).toThrow(
      /handlers differ:\n.*operation putThing has no handler\n(.*\n)*.*handler other has no operation/,
    );
    expect(() => load({ file: 'oauth.yaml', dialect: 'oauth', handlers: handlersFor(['toString']) })).toThrow(
      'toString',
    );
  });

  it('must not name an operation twice', () => {
    const document: ApiDocument = {
      file: 'oauth.yaml',
      dialect: 'oauth',
      handlers: handlersFor(oauthOperations),
    };
    expect(() => load(document, { ...document })).toThrow('operationId token is taken by oauth.yaml');
  });

  it('must not mark an operation hot that the validator would have a say in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-openapi-'));
    for (const file of ['oauth.yaml', 'components.yaml']) {
      const text = await readFile(join(fixtures, file), 'utf8');
      await writeFile(
        join(folder, file),
        text.replace('grant_type: { type: string }', 'grant_type: { type: string, maxLength: 3 }'),
      );
    }
    const handlers = handlersFor(oauthOperations);
    expect(() => loadOperations(folder, [{ file: 'oauth.yaml', dialect: 'oauth', handlers }])).toThrow(
      'operation token cannot be hot',
    );
  });
});

describe('the validator', () => {
  it('checks parameters without changing what the handler sees, and names the parameter', async () => {
    await using app = await startApp();
    const paint = async (query: string): Promise<unknown[]> => {
      const answer = await fetch(`${app.url}/_matrix/client/v3/paint${query}`);
      return [answer.status, await answer.json()];
    };
    expect(await paint('?colour=red&coats=2')).toMatchObject([
      200,
      {
        query: [
          ['colour', 'red'],
          ['coats', '2'],
        ],
      },
    ]);
    expect(await paint('')).toEqual([400, { errcode: 'M_MISSING_PARAM', error: 'colour is missing' }]);
    expect(await paint('?colour=')).toMatchObject([200, {}]);
    expect(await paint('?colour=red&coats=0')).toEqual([
      400,
      { errcode: 'M_INVALID_PARAM', error: 'coats must be >= 1' },
    ]);
    expect(await paint('?colour=red&coats=x')).toMatchObject([400, { errcode: 'M_INVALID_PARAM' }]);
    expect(await paint('?colour=red&colour=blue')).toEqual([
      400,
      { errcode: 'M_INVALID_PARAM', error: 'colour must be string' },
    ]);
  });

  it('leaves doubled parameters of browser routes to the handler', async () => {
    await using app = await startApp();
    const answer = await fetch(`${app.url}/oauth2/authorize?client_id=a&client_id=b&state=`);
    expect(await answer.json()).toMatchObject({
      query: [
        ['client_id', 'a'],
        ['client_id', 'b'],
        ['state', ''],
      ],
    });
  });

  it('is warm before the first request', async () => {
    await using app = await startApp();
    const started = performance.now();
    await fetch(`${app.url}/_matrix/client/v3/paint?colour=red`);
    expect(performance.now() - started).toBeLessThan(250);
  });
});

describe('answers, where they are checked', () => {
  const answers: Record<string, Reply> = {
    good: { status: 200, body: { fine: true } },
    unchanged: { status: 304 },
    prepared: {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"fine":true}'),
    },
    'a status that is not documented': { status: 201, body: {} },
    'a body of the wrong type': { status: 200, body: ['x'] },
    'a prepared body of the wrong type': {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('[]'),
    },
    'another content type': { status: 200, body: '<p>' },
    'no body': { status: 200 },
    'a refusal that does not fit': { status: 400, body: { error: 'x' } },
  };

  it('become 500 and a loud line in the log', async () => {
    await using app = await startApp({
      validateResponses: true,
      handlers: {
        getThing: ({ headers }) => answers[headers['x-answer'] as string] ?? { status: 500 },
        authorize: ({ query }) => ({ status: 303, headers: query.has('state') ? { location: '/x' } : {} }),
        token: () => ({ status: 200, body: { a: 1 } }),
      },
    });
    for (const name of Object.keys(answers)) {
      const answer = await fetch(`${app.url}/_matrix/client/v3/thing`, { headers: { 'x-answer': name } });
      const fits = ['good', 'unchanged', 'prepared'].includes(name);
      expect(answer.status, name).toBe(fits ? answers[name]?.status : 500);
    }
    const lines = app.logged.lines().filter(({ level }) => level === 'error');
    expect(lines).toHaveLength(6);
    expect(JSON.stringify(lines[0])).toContain(
      'the answer 201 of getThing does not fit the document: the status is not documented',
    );
    const redirect = { redirect: 'manual' } as const;
    expect((await fetch(`${app.url}/oauth2/authorize?state=x`, redirect)).status).toBe(303);
    expect((await fetch(`${app.url}/oauth2/authorize`, redirect)).status).toBe(500);
    expect(
      (await fetch(`${app.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ a: '1' }) }))
        .status,
    ).toBe(200);
    expect((await fetch(`${app.url}/oauth2/token`, { method: 'POST', body: 'x' })).status).toBe(400);
  });

  it('are sent as they are otherwise', async () => {
    await using app = await startApp({ handlers: { getThing: () => ({ status: 201, body: ['x'] }) } });
    expect((await fetch(`${app.url}/_matrix/client/v3/thing`)).status).toBe(201);
  });
});
