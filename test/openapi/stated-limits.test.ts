/** What the document of the authorization server demands of a parameter is true, and the refusal is the RFC's: an error code or a redirect, never the validator's. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocument } from '../../src/http/openapi-document.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { ask, postForm, registerTestClient, type TestClient } from '../support/oauth-client.ts';

interface Schema {
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
}

interface Operation {
  readonly 'x-gatehouse-judged-by'?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<
        string,
        {
          readonly schema: {
            readonly required?: readonly string[];
            readonly properties: Readonly<Record<string, Schema>>;
          };
        }
      >
    >;
  };
}

const { paths } = readDocument(join(import.meta.dirname, '../../openapi/authorization-server.yaml')) as {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

function operationAt(method: string, path: string): Operation {
  const operation = paths[path]?.[method];
  if (operation === undefined) throw new Error(`there is no ${method} ${path}`);
  return operation;
}

/** Members of the form, or parameters of the query. */
function schemasOf({ parameters = [], requestBody }: Operation): [string, Schema][] {
  const form = requestBody?.content['application/x-www-form-urlencoded']?.schema.properties ?? {};
  const query = parameters.filter((each) => each.in === 'query').map(({ name, schema }) => [name, schema]);
  return [...Object.entries(form), ...query] as [string, Schema][];
}

/** Name of a parameter, what is wrong, and a value that is; `undefined` leaves it out. */
type Violation = readonly [name: string, what: string, value: string | undefined];

function violations(operation: Operation): Violation[] {
  const required = operation.requestBody?.content['application/x-www-form-urlencoded']?.schema.required ?? [];
  const all: Violation[] = required.map((name) => [name, 'left out', undefined]);
  for (const [name, schema] of schemasOf(operation)) {
    if (schema.enum !== undefined) all.push([name, 'none of the values', 'something else']);
    if (schema.maxLength !== undefined) all.push([name, 'too long', '7'.repeat(schema.maxLength + 1)]);
    if (schema.minLength !== undefined) all.push([name, 'too short', '7'.repeat(schema.minLength - 1)]);
    if (schema.pattern !== undefined)
      all.push([name, 'against the pattern', '?'.repeat(schema.maxLength ?? 1)]);
  }
  return all;
}

let gatehouse: Gatehouse;
let client: TestClient;
let sound: Record<string, Record<string, string>>;
beforeAll(async () => {
  gatehouse = await startGatehouse();
  client = await registerTestClient(gatehouse, {
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  });
  const { scope = '' } = client.parameters();
  const form = { client_id: client.clientId };
  sound = {
    '/oauth2/authorize': client.parameters(),
    '/oauth2/par': client.parameters(),
    '/oauth2/device_authorization': { ...form, scope },
    '/oauth2/token': {
      ...form,
      grant_type: 'authorization_code',
      code: 'x',
      redirect_uri: client.redirectUri,
      code_verifier: client.verifier,
    },
    '/oauth2/revoke': { ...form, token: 'x' },
  };
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

/** Sends the sound parameters of an operation with one changed. */
function send(method: string, path: string, name: string, value: string | undefined): ReturnType<typeof ask> {
  const parameters = Object.fromEntries(
    Object.entries({ ...sound[path], [name]: value }).filter((entry): entry is [string, string] => {
      return entry[1] !== undefined;
    }),
  );
  const url = new URL(path.slice(1), gatehouse.url);
  if (method === 'post') return postForm(url.href, parameters);
  url.search = new URLSearchParams(parameters).toString();
  return ask(url.href);
}

describe.each([
  ['post', '/oauth2/par', 201],
  ['post', '/oauth2/device_authorization', 200],
  ['post', '/oauth2/token', 400],
  ['post', '/oauth2/revoke', 200],
])('%s %s', (method, path, good) => {
  const operation = operationAt(method, path);

  it.each(violations(operation))('refuses %s, %s', async (name, _what, value) => {
    const { status, body } = await send(method, path, name, value);
    expect([400, 401]).toContain(status);
    expect(body).toEqual({ error: expect.any(String), error_description: expect.any(String) });
    expect(body['error_description']).not.toMatch(/allowed values|must NOT have|must match pattern/);
  });

  it('takes a parameter that it does not know', async () => {
    const { status, body } = await send(method, path, 'unheard_of', 'x');
    expect([status, body['error'] ?? 'invalid_grant']).toEqual([good, 'invalid_grant']);
  });
});

describe.each(['get', 'post'])('%s /oauth2/authorize', (method) => {
  const operation = operationAt(method, '/oauth2/authorize');

  it.each(violations(operation))('refuses %s, %s, at the client or on a page', async (name, _what, value) => {
    const { status, headers, body } = await send(method, '/oauth2/authorize', name, value);
    if (status === 303) {
      const back = new URL(headers.get('location') ?? '');
      expect(back.href.startsWith(client.redirectUri)).toBe(true);
      expect(back.searchParams.get('error')).toMatch(/^[a-z_]+$/);
    } else {
      expect([400, 414]).toContain(status);
      expect(body['error']).toBe('invalid_request');
      expect(String(body['error_description'])).toMatch(/client_id|redirect_uri|8192/);
    }
  });

  it('takes a parameter that it does not know', async () => {
    const { status, headers } = await send(method, '/oauth2/authorize', 'unheard_of', 'x'.repeat(3000));
    expect(status).toBe(303);
    expect(headers.get('location')).not.toContain(client.redirectUri);
  });
});
