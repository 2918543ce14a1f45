/**
 * The demo client's way through a sign-in: which step comes next, what it sends, and what it keeps. It does what any native
 * Matrix client does, by the same rules, and knows nothing of Gatehouse but its address.
 */
import { createHash, randomBytes } from 'node:crypto';
import { exchange, type Exchange } from './exchange.ts';

export const stepIds = [
  'discover',
  'register',
  'authorize',
  'token',
  'whoami',
  'introspect',
  'refresh',
  'repeat',
  'revoke',
  'afterwards',
] as const;

export type StepId = (typeof stepIds)[number];

/** What the walk needs to know of its surroundings. */
export interface WalkSettings {
  /** Base URL of the Matrix client-server API, ending with a slash. */
  readonly matrixUrl: string;
  /** This client's own address, without a slash at the end. */
  readonly clientUrl: string;
  /** What the homeserver shares with Gatehouse. A real client never has it: the demo plays the homeserver too. */
  readonly homeserverSecret: string;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
}

/** How far one visitor has come. */
export interface Walk {
  readonly done: Map<StepId, readonly Exchange[]>;
  metadata: Record<string, unknown> | undefined;
  clientId: string | undefined;
  readonly deviceId: string;
  readonly state: string;
  readonly codeVerifier: string;
  code: string | undefined;
  /** The pair in use, and the one before it. */
  tokens: Tokens | undefined;
  previous: Tokens | undefined;
  /** Whether the repeated refresh gave the very pair of the first one. */
  repeatedSame: boolean | undefined;
  /** What went wrong last, to be shown at the next step. */
  problem: string | undefined;
}

export function startWalk(): Walk {
  return {
    done: new Map(),
    metadata: undefined,
    clientId: undefined,
    deviceId: `DEMO${randomBytes(4).toString('hex').toUpperCase()}`,
    state: randomBytes(16).toString('base64url'),
    codeVerifier: randomBytes(32).toString('base64url'),
    code: undefined,
    tokens: undefined,
    previous: undefined,
    repeatedSame: undefined,
    problem: undefined,
  };
}

/** The step that is due; `undefined` at the end. */
export function nextStep(walk: Walk): StepId | undefined {
  return stepIds.find((id) => !walk.done.has(id));
}

/** What the client registers: a native application with a loopback redirect, without a port (RFC 8252 §7.3). */
const clientMetadata = {
  application_type: 'native',
  client_name: 'Gatehouse demo client',
  client_uri: 'https://client.demo.example/',
  redirect_uris: ['http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

/** Where the client wants to be sent back to: the registered loopback URI with the port on which it listens now. */
function redirectUri(settings: WalkSettings): string {
  return `${settings.clientUrl}/callback`;
}

/** The address to which the browser is sent to sign in. */
export function authorizationUrl(walk: Walk, settings: WalkSettings): string {
  const url = new URL(endpoint(walk, 'authorization_endpoint'));
  const parameters = {
    response_type: 'code',
    client_id: walk.clientId ?? '',
    redirect_uri: redirectUri(settings),
    scope: `urn:matrix:client:api:* urn:matrix:client:device:${walk.deviceId}`,
    state: walk.state,
    code_challenge: createHash('sha256').update(walk.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** Takes the browser back: checks `state` (RFC 6749 §10.12) and `iss` (RFC 9207), keeps the code. */
export function takeCallback(walk: Walk, parameters: URLSearchParams): void {
  if (walk.done.has('authorize')) return;
  if (parameters.get('state') !== walk.state) {
    walk.problem =
      'That answer belongs to another sign-in: its “state” is not the one that was sent. Sign in again.';
  } else if (parameters.get('iss') !== walk.metadata?.['issuer']) {
    walk.problem = 'That answer comes from another server: its “iss” is not the issuer of the metadata.';
  } else if (parameters.has('error')) {
    const detail = parameters.get('error_description');
    walk.problem = `Gatehouse answered “${parameters.get('error') ?? ''}”${detail === null ? '' : `: ${detail}`}. Sign in again.`;
  } else {
    walk.code = parameters.get('code') ?? '';
    walk.problem = undefined;
    walk.done.set('authorize', []);
  }
}

/** Takes the step that is due, unless it is the browser's. A refusal or an outage becomes `walk.problem`. */
export async function takeStep(walk: Walk, id: StepId, settings: WalkSettings): Promise<void> {
  if (nextStep(walk) !== id || id === 'authorize') return;
  try {
    const sent = await perform[id](walk, settings);
    walk.problem = undefined;
    walk.done.set(id, sent);
  } catch (error) {
    walk.problem =
      error instanceof Refused
        ? `The answer was ${String(error.status)}: ${error.detail}`
        : `No answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

class Refused extends Error {
  readonly status: number;
  readonly detail: string;
  constructor(sent: Exchange) {
    super('refused');
    this.status = sent.status;
    const reason = sent.json?.['error_description'] ?? sent.json?.['error'];
    this.detail = typeof reason === 'string' ? reason : 'no reason was given';
  }
}

const perform: Record<
  Exclude<StepId, 'authorize'>,
  (walk: Walk, settings: WalkSettings) => Promise<readonly Exchange[]>
> = {
  async discover(walk, settings) {
    const url = `${settings.matrixUrl}_matrix/client/v1/auth_metadata`;
    const sent = expectStatus(await exchange({ by: 'client', method: 'GET', url }), 200);
    walk.metadata = sent.json;
    return [sent];
  },
  async register(walk) {
    const url = endpoint(walk, 'registration_endpoint');
    const sent = expectStatus(
      await exchange({ by: 'client', method: 'POST', url, json: clientMetadata }),
      201,
    );
    walk.clientId = String(sent.json?.['client_id']);
    return [sent];
  },
  async token(walk, settings) {
    const sent = await askForTokens(walk, {
      grant_type: 'authorization_code',
      code: walk.code ?? '',
      redirect_uri: redirectUri(settings),
      code_verifier: walk.codeVerifier,
    });
    walk.tokens = toTokens(sent);
    return [sent];
  },
  whoami: async (walk, settings) => [expectStatus(await whoami(walk, settings), 200)],
  introspect: async (walk, settings) => [expectStatus(await introspect(walk, settings), 200)],
  async refresh(walk) {
    const sent = await askForTokens(walk, {
      grant_type: 'refresh_token',
      refresh_token: walk.tokens?.refreshToken ?? '',
    });
    walk.previous = walk.tokens;
    walk.tokens = toTokens(sent);
    return [sent];
  },
  async repeat(walk) {
    const sent = await askForTokens(walk, {
      grant_type: 'refresh_token',
      refresh_token: walk.previous?.refreshToken ?? '',
    });
    const again = toTokens(sent);
    walk.repeatedSame = again.accessToken === walk.tokens?.accessToken;
    walk.tokens = again;
    return [sent];
  },
  async revoke(walk) {
    const sent = await exchange({
      by: 'client',
      method: 'POST',
      url: endpoint(walk, 'revocation_endpoint'),
      form: {
        token: walk.tokens?.refreshToken ?? '',
        token_type_hint: 'refresh_token',
        client_id: walk.clientId ?? '',
      },
    });
    return [expectStatus(sent, 200)];
  },
  afterwards: async (walk, settings) => [await whoami(walk, settings), await introspect(walk, settings)],
};

async function askForTokens(walk: Walk, form: Record<string, string>): Promise<Exchange> {
  const url = endpoint(walk, 'token_endpoint');
  const sent = await exchange({
    by: 'client',
    method: 'POST',
    url,
    form: { ...form, client_id: walk.clientId ?? '' },
  });
  return expectStatus(sent, 200);
}

function whoami(walk: Walk, settings: WalkSettings): Promise<Exchange> {
  const url = `${settings.matrixUrl}_matrix/client/v3/account/whoami`;
  return exchange({ by: 'client', method: 'GET', url, bearer: walk.tokens?.accessToken ?? '' });
}

/** As Synapse asks: the path is fixed, relative to the issuer. */
function introspect(walk: Walk, settings: WalkSettings): Promise<Exchange> {
  return exchange({
    by: 'homeserver',
    method: 'POST',
    url: `${String(walk.metadata?.['issuer']).replace(/\/?$/, '/')}oauth2/introspect`,
    bearer: settings.homeserverSecret,
    form: { token: walk.tokens?.accessToken ?? '', token_type_hint: 'access_token' },
  });
}

function toTokens(sent: Exchange): Tokens {
  return {
    accessToken: String(sent.json?.['access_token']),
    refreshToken: String(sent.json?.['refresh_token']),
    expiresInSeconds: Number(sent.json?.['expires_in']),
  };
}

function endpoint(walk: Walk, name: string): string {
  const value = walk.metadata?.[name];
  if (typeof value !== 'string') throw new Error(`the metadata has no ${name}`);
  return value;
}

function expectStatus(sent: Exchange, status: number): Exchange {
  if (sent.status !== status) throw new Refused(sent);
  return sent;
}
