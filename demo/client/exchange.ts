/** Sends one HTTP request and keeps what went over the wire, secrets abbreviated, to be shown. */

/** A request and its answer as they are shown. */
export interface Exchange {
  /** Who sent it: the demo plays a client and the homeserver. */
  readonly by: 'client' | 'homeserver';
  readonly request: string;
  readonly answer: string;
  readonly status: number;
  /** The answer's JSON in full; `undefined` if it was none. For the walk itself, never for a page. */
  readonly json: Record<string, unknown> | undefined;
}

export interface ExchangeRequest {
  readonly by: Exchange['by'];
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly bearer?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

/** Members and parameters whose values are secrets. */
const secretNames = new Set(['access_token', 'refresh_token', 'id_token', 'token', 'code', 'code_verifier']);

/** Response headers that tell something here. */
const shownHeaders = ['content-type', 'cache-control', 'etag', 'www-authenticate', 'retry-after'];

/** `gat_Ab3dE…x9Zq`: enough to tell two secrets apart, not enough to use one. */
export function abbreviate(secret: string): string {
  return secret.length <= 16 ? '…' : `${secret.slice(0, 9)}…${secret.slice(-4)}`;
}

/** Sends the request. Throws when no answer comes within ten seconds. */
export async function exchange(request: ExchangeRequest): Promise<Exchange> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (request.bearer !== undefined) headers['authorization'] = `Bearer ${request.bearer}`;
  let body: string | undefined;
  let shownBody: string | undefined;
  if (request.form !== undefined) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    body = new URLSearchParams(request.form).toString();
    shownBody = Object.entries(request.form)
      .map(([name, value]) => `${name}=${secretNames.has(name) ? abbreviate(value) : value}`)
      .join('\n&');
  } else if (request.json !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(request.json);
    shownBody = JSON.stringify(request.json, null, 2);
  }

  const response = await fetch(request.url, {
    method: request.method,
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const json = parseObject(text);

  const { pathname, host } = new URL(request.url);
  const requestLines = [
    `${request.method} ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    ...(request.bearer === undefined ? [] : [`Authorization: Bearer ${abbreviate(request.bearer)}`]),
    ...(headers['content-type'] === undefined ? [] : [`Content-Type: ${headers['content-type']}`]),
    ...(shownBody === undefined ? [] : ['', shownBody]),
  ];
  const answerLines = [
    `HTTP/1.1 ${String(response.status)} ${response.statusText}`,
    ...shownHeaders.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [`${capitalise(name)}: ${value}`];
    }),
    '',
    json === undefined ? text.slice(0, 2000) : JSON.stringify(json, abbreviateSecrets, 2),
  ];
  return {
    by: request.by,
    request: requestLines.join('\n'),
    answer: answerLines.join('\n'),
    status: response.status,
    json,
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function abbreviateSecrets(name: string, value: unknown): unknown {
  return secretNames.has(name) && typeof value === 'string' ? abbreviate(value) : value;
}

function capitalise(header: string): string {
  return header
    .replace(/\b[a-z]/g, (letter) => letter.toUpperCase())
    .replace('Www', 'WWW')
    .replace('Etag', 'ETag');
}
