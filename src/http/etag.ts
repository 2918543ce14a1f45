/** Answers that are prepared once and served many times: validators (RFC 9110 §8.8, §13) and encodings without work per request. */
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { IncomingHttpHeaders } from 'node:http';
import type { Reply } from './exchange.ts';

export interface PreparedBodyOptions {
  readonly contentType: string;
  readonly cacheControl: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body with a strong `ETag` for each encoding. Build it when the content changes; {@link PreparedBody.reply} does next to nothing. */
export interface PreparedBody {
  /** The bytes without an encoding. */
  readonly body: Buffer;
  /** 200 in the best encoding that `Accept-Encoding` allows, or 304 if `If-None-Match` names that representation. */
  reply(headers: IncomingHttpHeaders): Reply<Buffer>;
  /** The same body under another `Cache-Control`: nothing is encoded again. */
  withCacheControl(cacheControl: string): PreparedBody;
}

type Encoding = 'identity' | 'gzip' | 'br';

interface Variant {
  readonly etag: string;
  readonly full: Reply<Buffer>;
  readonly unchanged: Reply<Buffer>;
}

/** Below this size (one packet) an encoding saves nothing. */
const WORTH_ENCODING_BYTES = 860;

/** Prepares `content` (an object is serialised as JSON) in every encoding that is worth it. */
export function prepareBody(content: object | string, options: PreparedBodyOptions): PreparedBody {
  const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const encodings = new Map<Encoding, Buffer>([['identity', body]]);
  if (body.length >= WORTH_ENCODING_BYTES) {
    encodings.set('gzip', gzipSync(body, { level: 9 }));
    const best = {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    };
    encodings.set('br', brotliCompressSync(body, best));
  }
  return prepareEncodings(body, encodings, createChoice(new Set(encodings.keys())), options);
}

function prepareEncodings(
  body: Buffer,
  encodings: ReadonlyMap<Encoding, Buffer>,
  choose: (accepted: string) => Encoding,
  options: PreparedBodyOptions,
): PreparedBody {
  const identity = variant(body, 'identity', options);
  const variants = new Map<Encoding, Variant>([['identity', identity]]);
  for (const [encoding, bytes] of encodings) {
    if (encoding !== 'identity') variants.set(encoding, variant(bytes, encoding, options));
  }
  return {
    body,
    withCacheControl: (cacheControl) =>
      prepareEncodings(body, encodings, choose, { ...options, cacheControl }),
    reply(headers) {
      const accepted = headers['accept-encoding'];
      const chosen = accepted === undefined ? identity : (variants.get(choose(accepted)) ?? identity);
      const known = headers['if-none-match'];
      return known !== undefined && matches(known, chosen.etag) ? chosen.unchanged : chosen.full;
    },
  };
}

function variant(body: Buffer, encoding: Encoding, options: PreparedBodyOptions): Variant {
  const etag = `"${createHash('sha256').update(encoding).update(body).digest('base64url').slice(0, 22)}"`;
  const shared = { ...options.headers, 'cache-control': options.cacheControl, etag, vary: 'Accept-Encoding' };
  const coding = encoding === 'identity' ? undefined : { 'content-encoding': encoding };
  return {
    etag,
    full: Object.freeze({
      status: 200,
      headers: Object.freeze({ ...shared, ...coding, 'content-type': options.contentType }),
      body,
    }),
    unchanged: Object.freeze({ status: 304, headers: Object.freeze(shared) }),
  };
}

/** Remembers the choice for the few spellings of `Accept-Encoding` that clients have. */
function createChoice(available: ReadonlySet<Encoding>): (accepted: string) => Encoding {
  const known = new Map<string, Encoding>();
  return (accepted) => {
    let choice = known.get(accepted);
    if (choice === undefined) {
      choice = chooseEncoding(accepted, available);
      if (known.size < 100 && accepted.length <= 200) known.set(accepted, choice);
    }
    return choice;
  };
}

/** The best available encoding by quality (RFC 9110 §12.5.3), the smaller one at equal quality. */
export function chooseEncoding(accepted: string, available: ReadonlySet<Encoding>): Encoding {
  const qualities = new Map<string, number>();
  for (const part of accepted.split(',')) {
    const [name = '', ...parameters] = part.split(';');
    const weight = parameters.find((parameter) => /^\s*q\s*=/i.test(parameter))?.split('=')[1];
    const quality = weight === undefined ? 1 : Number(weight);
    qualities.set(name.trim().toLowerCase(), Number.isNaN(quality) ? 0 : quality);
  }
  const rest = qualities.get('*') ?? 0;
  let best: Encoding = 'identity';
  let bestQuality = 0;
  for (const encoding of ['br', 'gzip'] as const) {
    const quality = qualities.get(encoding) ?? rest;
    if (!available.has(encoding) || quality <= bestQuality) continue;
    best = encoding;
    bestQuality = quality;
  }
  return best;
}

/** `If-None-Match` by weak comparison, as RFC 9110 §13.1.2 wants. */
function matches(header: string, etag: string): boolean {
  if (header === etag) return true;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
