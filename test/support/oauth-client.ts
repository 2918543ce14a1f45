/** A Matrix client in the hand of a test: plain HTTP, no library, so that any request can be made wrong. */
import { createHash, randomBytes } from 'node:crypto';
import { type Gatehouse, signIn } from '../peers/gatehouse.ts';
import { type Browser, createBrowser } from './browser.ts';

export const API_SCOPE = 'urn:matrix:client:api:*';
export const DEVICE_SCOPE = 'urn:matrix:client:device:';

export interface TokenSet {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: string;
  readonly id_token?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface TestClient {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly verifier: string;
  /** The parameters of a sound authorization request. */
  parameters(more?: Record<string, string>): Record<string, string>;
  /** The URL of an authorization request; `undefined` in `more` leaves a parameter out. */
  authorizeUrl(more?: Record<string, string | undefined>): string;
  /** Signs in as a person would and returns the parameters that came back. */
  authorize(options?: {
    browser?: Browser;
    login?: string;
    parameters?: Record<string, string>;
  }): Promise<URLSearchParams>;
  /** POST to the token endpoint. */
  token(form: Record<string, string>): Promise<Answer>;
  redeem(code: string, more?: Record<string, string>): Promise<Answer>;
  refresh(refreshToken: string, more?: Record<string, string>): Promise<Answer>;
  /** The whole way: signed in. */
  tokens(options?: Parameters<TestClient['authorize']>[0]): Promise<TokenSet>;
}

/** Registers a client at a running service. */
export async function registerTestClient(
  at: Pick<Gatehouse, 'url'>,
  metadata: Record<string, unknown> = {},
): Promise<TestClient> {
  const redirectUri = 'https://client.example.com/callback';
  const registered = await postJson(`${at.url}oauth2/registration`, {
    client_uri: 'https://client.example.com/',
    client_name: 'Test client',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'web',
    ...metadata,
  });
  if (registered.status !== 201) throw new Error(`registration: ${JSON.stringify(registered.body)}`);
  return testClient(at, { clientId: String(registered.body['client_id']), redirectUri });
}

/** A client that the service knows already. */
export function testClient(
  at: Pick<Gatehouse, 'url'>,
  known: {
    clientId: string;
    redirectUri: string;
    /** Fields by which it authenticates at the token endpoint, beside `client_id`. */
    credentials?: () => Promise<Record<string, string>>;
  },
): TestClient {
  const { clientId, redirectUri, credentials = () => Promise.resolve({}) } = known;
  const verifier = randomBytes(32).toString('base64url');
  const parameters: TestClient['parameters'] = (more = {}) => ({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: `${API_SCOPE} ${DEVICE_SCOPE}TESTDEVICE`,
    state: 'some state/+=',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  const client: TestClient = {
    clientId,
    redirectUri,
    verifier,
    parameters,
    authorizeUrl(more = {}) {
      const url = new URL(`${at.url}oauth2/authorize`);
      for (const [name, value] of Object.entries({ ...parameters(), ...more })) {
        if (value !== undefined) url.searchParams.set(name, value);
      }
      return url.href;
    },
    async authorize({ browser = createBrowser(), login = 'alice', parameters: more = {} } = {}) {
      const page = await signIn(browser, client.authorizeUrl(more), redirectUri, login);
      const back = new URL(page.url);
      return new URLSearchParams(back.hash === '' ? back.search : back.hash.slice(1));
    },
    token: async (form) =>
      postForm(`${at.url}oauth2/token`, { client_id: clientId, ...(await credentials()), ...form }),
    redeem: (code, more = {}) =>
      client.token({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...more,
      }),
    refresh: (refreshToken, more = {}) =>
      client.token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...more }),
    async tokens(options) {
      const back = await client.authorize(options);
      const answer = await client.redeem(back.get('code') ?? '');
      if (answer.status !== 200) throw new Error(`token: ${JSON.stringify(answer.body)}`);
      return answer.body as unknown as TokenSet;
    },
  };
  return client;
}

export async function postForm(
  url: string,
  form: Record<string, string> | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
  return ask(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
}

export async function postJson(
  url: string,
  json: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(url, {
    method: 'POST',
    body: JSON.stringify(json),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** One request; a body that is not a JSON object comes back as `{ text }`. Redirects are not followed. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    body = { text };
  }
  return { status: response.status, headers: response.headers, body };
}
