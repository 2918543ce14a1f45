/**
 * A homeserver made from the contract in openapi/homeserver.yaml: what Synapse answers to each call, with its users and devices, and faults on
 * demand. The end-to-end suite runs the same calls against a real Synapse.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedUser {
  displayname: string | null;
  avatarUrl: string | null;
  emails: string[];
  locked: boolean;
  deactivated: boolean;
  crossSigningReset: boolean;
  /** Device id → name. */
  readonly devices: Map<string, string | null>;
  /** The id of the device that holds keys while nobody is signed in. */
  dehydrated?: string;
  /** What makes it more than an ordinary account: `admin`, `user_type` and the like of the admin API. */
  special?: Readonly<Record<string, unknown>>;
}

/** `status`: this answer. `hang`: no answer. `cut`: the call is carried out, and its answer is lost. */
export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly errcode?: string;
      readonly retryAfter?: number;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'cut' };

export interface ScriptedSynapse extends AsyncDisposable {
  readonly url: string;
  readonly secret: string;
  readonly users: Map<string, ScriptedUser>;
  /** Every call that came in: the last part of its path. */
  readonly calls: string[];
  /** Localparts of application services. */
  readonly reserved: Set<string>;
  /** Where it asks whose an access token is; without it every token is unknown. */
  endpoint: string | undefined;
  /** The secret that it asks with. */
  introspectionSecret: string;
  serverName: string;
  /** What it says its version is; without it, it does not tell. */
  version: string | undefined;
  /** The next `times` calls of a verb (`*`: of any) fail so. */
  fail(verb: string, fault: Fault, times?: number): void;
  /** No more faults. */
  heal(): void;
}

type Json = Record<string, unknown>;

export async function startScriptedSynapse(secret = 'shared-with-synapse'): Promise<ScriptedSynapse> {
  const users = new Map<string, ScriptedUser>();
  const reserved = new Set<string>();
  const calls: string[] = [];
  const faults: { verb: string; fault: Fault; times: number }[] = [];

  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://synapse');
    const verb = verbOf(url.pathname);
    calls.push(verb);
    const planned = faults.find((each) => (each.verb === verb || each.verb === '*') && each.times > 0);
    if (planned !== undefined) planned.times--;
    const fault = planned?.fault;
    const body = await readJson(request);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'status') {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter));
      send(response, fault.status, { errcode: fault.errcode ?? 'M_UNKNOWN', error: 'planned' });
      return;
    }
    const { status, json } = isClientRoute(url.pathname)
      ? await answerToken(request, url.pathname)
      : handle(request, verb, url.searchParams, body);
    if (fault?.kind === 'cut') request.socket.destroy();
    else send(response, status, json);
  }

  function handle(
    request: IncomingMessage,
    verb: string,
    query: URLSearchParams,
    body: Json | undefined,
  ): { status: number; json: Json } {
    const { authorization } = request.headers;
    if (authorization === undefined) return refuse(401, 'M_MISSING_TOKEN');
    if (authorization !== `Bearer ${secret}`) return refuse(403, 'M_UNKNOWN');
    const localpart = request.method === 'GET' ? query.get('localpart') : body?.['localpart'];
    if (typeof localpart !== 'string') return refuse(400, 'M_MISSING_PARAM');
    if (verb === 'is_localpart_available') return judge(localpart);
    if (verb === 'provision_user') return provision(localpart, body ?? {});
    const user = users.get(localpart);
    const verbs = verbsOf(localpart, user, body ?? {});
    if (!Object.hasOwn(verbs, verb)) return refuse(404, 'M_UNRECOGNIZED');
    return user === undefined
      ? refuse(404, 'M_NOT_FOUND')
      : (verbs[verb] as () => { status: number; json: Json })();
  }

  /** The routes that take access tokens, which it introspects as Synapse does. */
  async function answerToken(
    request: IncomingMessage,
    path: string,
  ): Promise<{ status: number; json: Json }> {
    if (path.endsWith('/server_version')) {
      const { version } = peer;
      return version === undefined
        ? refuse(404, 'M_UNRECOGNIZED')
        : { status: 200, json: { server_version: version } };
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const access = await introspect(token);
    if ('status' in access) return access;
    if (path.endsWith('/whoami')) {
      return { status: 200, json: { user_id: `@${access.username}:${peer.serverName}`, is_guest: false } };
    }
    if (!access.scope.includes('urn:synapse:admin:*')) return refuse(403, 'M_FORBIDDEN');
    const localpart = /%40(.*?)%3A/.exec(path)?.[1] ?? '';
    const user = users.get(localpart);
    if (user === undefined) return refuse(404, 'M_NOT_FOUND');
    if (!path.endsWith('/devices')) {
      const threepids = user.emails.map((address) => ({ medium: 'email', address }));
      const { deactivated } = user;
      const ordinary = { admin: false, is_guest: false, appservice_id: null, user_type: null };
      return { status: 200, json: { threepids, deactivated, ...ordinary, ...user.special } };
    }
    const devices = [...user.devices.keys()].map((id) => ({
      device_id: id,
      ...(user.dehydrated === undefined ? {} : { dehydrated: id === user.dehydrated }),
    }));
    return { status: 200, json: { devices, total: devices.length } };
  }

  async function introspect(
    token: string,
  ): Promise<{ username: string; scope: string[] } | { status: number; json: Json }> {
    if (peer.endpoint === undefined) return refuse(401, 'M_UNKNOWN_TOKEN');
    const answer = await fetch(`${peer.endpoint}oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${peer.introspectionSecret}` },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    }).catch(() => undefined);
    if (answer?.ok !== true) return refuse(503, 'M_UNKNOWN');
    const said = (await answer.json()) as { active: boolean; username: string; scope: string };
    if (!said.active) return refuse(401, 'M_UNKNOWN_TOKEN');
    if (!users.has(said.username)) return refuse(500, 'M_UNKNOWN');
    return { username: said.username, scope: said.scope.split(' ') };
  }

  function judge(localpart: string): { status: number; json: Json } {
    if (users.has(localpart.toLowerCase())) return refuse(400, 'M_USER_IN_USE');
    if (!/^[a-z0-9._=/+-]{1,255}$/.test(localpart)) return refuse(400, 'M_INVALID_USERNAME');
    return reserved.has(localpart) ? refuse(400, 'M_EXCLUSIVE') : { status: 200, json: {} };
  }

  function provision(localpart: string, body: Json): { status: number; json: Json } {
    if ('set_displayname' in body && body['unset_displayname'] === true)
      return refuse(400, 'M_INVALID_PARAM');
    const known = users.get(localpart);
    const user = known ?? {
      displayname: null,
      avatarUrl: null,
      emails: [],
      locked: false,
      deactivated: false,
      crossSigningReset: false,
      devices: new Map<string, string | null>(),
    };
    if (typeof body['set_displayname'] === 'string') user.displayname = body['set_displayname'];
    if (body['unset_displayname'] === true) user.displayname = null;
    if (typeof body['set_avatar_url'] === 'string') user.avatarUrl = body['set_avatar_url'];
    if (body['unset_avatar_url'] === true) user.avatarUrl = null;
    if (Array.isArray(body['set_emails'])) user.emails = body['set_emails'] as string[];
    if (typeof body['locked'] === 'boolean') user.locked = body['locked'];
    users.set(localpart, user);
    return { status: known === undefined ? 201 : 200, json: {} };
  }

  function verbsOf(localpart: string, user: ScriptedUser | undefined, body: Json): Record<string, unknown> {
    const device = body['device_id'] as string;
    const done = { status: 200, json: {} };
    return {
      query_user: () => ({
        status: 200,
        json: {
          user_id: `@${localpart}:example.org`,
          display_name: user?.displayname ?? null,
          avatar_url: user?.avatarUrl ?? null,
          is_suspended: false,
          is_deactivated: user?.deactivated ?? false,
        },
      }),
      upsert_device: () => {
        const isNew = user?.devices.has(device) !== true;
        const name = body['display_name'] as string | undefined;
        // A call without a name leaves a device that exists its name.
        user?.devices.set(device, name ?? user.devices.get(device) ?? null);
        return { status: isNew ? 201 : 200, json: {} };
      },
      delete_device: () => {
        user?.devices.delete(device);
        return { status: 204, json: {} };
      },
      update_device_display_name: () => {
        if (user?.devices.has(device) !== true) return refuse(404, 'M_NOT_FOUND');
        user.devices.set(device, body['display_name'] as string);
        return done;
      },
      delete_user: () => {
        if (typeof body['erase'] !== 'boolean') return refuse(400, 'M_MISSING_PARAM');
        if (user !== undefined) user.deactivated = true;
        user?.devices.clear();
        return done;
      },
      reactivate_user: () => {
        if (user !== undefined) user.deactivated = false;
        return done;
      },
      allow_cross_signing_reset: () => {
        if (user !== undefined) user.crossSigningReset = true;
        return done;
      },
    };
  }

  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const peer: ScriptedSynapse = {
    url: `http://127.0.0.1:${String(port)}`,
    secret,
    users,
    calls,
    reserved,
    endpoint: undefined,
    introspectionSecret: secret,
    serverName: 'example.org',
    version: '1.163.2',
    fail: (verb, fault, times = 1) => faults.push({ verb, fault, times }),
    heal: () => {
      faults.length = 0;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return peer;
}

function isClientRoute(path: string): boolean {
  return path.startsWith('/_synapse/admin/') || path.startsWith('/_matrix/client/');
}

/** The last part of a path of its own; any other path as it is. */
function verbOf(path: string): string {
  return isClientRoute(path) ? path.slice(path.lastIndexOf('/') + 1) : path.replace('/_synapse/mas/', '');
}

function refuse(status: number, errcode: string): { status: number; json: Json } {
  return { status, json: { errcode, error: errcode } };
}

function send(response: ServerResponse, status: number, json: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(status === 204 ? undefined : JSON.stringify(json));
}

async function readJson(request: IncomingMessage): Promise<Json | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : (JSON.parse(text) as Json);
}
