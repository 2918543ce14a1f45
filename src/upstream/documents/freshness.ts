/**
 * How long an answer is fresh by HTTP's rules (RFC 9111 §4.2, §5.2; RFC 5861), on the monotonic clock. What the rules say is one thing;
 * the floor and the ceiling that steer our own fetching come on top.
 */
import CachePolicy from 'http-cache-semantics';

/** The response fields that matter to a cache; these are what is persisted beside a document. */
const CACHE_FIELDS = [
  'age',
  'cache-control',
  'date',
  'etag',
  'expires',
  'last-modified',
  'pragma',
  'vary',
] as const;

export type CacheFields = Readonly<Partial<Record<(typeof CACHE_FIELDS)[number], string>>>;

export interface FreshnessLimits {
  /** No document is fetched again earlier, whatever the IdP says. */
  readonly minTtlMs: number;
  /** No document is kept longer without asking again. */
  readonly maxTtlMs: number;
}

/** What is left of the IdP's freshness, for those who hand its document on. */
export interface OutwardFreshness {
  /** Whole seconds; 0 if the IdP gave none or it is used up. Never above what the IdP granted, `Age` counted. */
  readonly maxAgeSeconds: number;
  /** The IdP said `no-store` or `no-cache`: whoever holds the document must ask each time. */
  readonly noCache: boolean;
  /** The IdP said `must-revalidate` or `proxy-revalidate`: nothing stale may be used. */
  readonly mustRevalidate: boolean;
  /** The IdP said `private`. */
  readonly private: boolean;
  /** What is left of RFC 5861's windows, in whole seconds; 0 if the IdP gave none or nothing stale may be used. */
  readonly staleWhileRevalidateSeconds: number;
  readonly staleIfErrorSeconds: number;
}

/** Picks the fields that matter. A missing `Date` becomes the time of the request, so that `Expires` counts from something. */
export function pickCacheFields(headers: Readonly<Record<string, string>>, now: number): CacheFields {
  const fields: Partial<Record<(typeof CACHE_FIELDS)[number], string>> = {
    date: new Date(now).toUTCString(),
  };
  for (const name of CACHE_FIELDS) {
    const value = headers[name];
    if (value !== undefined && (name !== 'date' || Number.isFinite(Date.parse(value)))) fields[name] = value;
  }
  return fields;
}

/**
 * The fields of a stored answer after a 304 (RFC 9111 §3.2): every field that the 304 has replaces the stored one. `Age` and `Date`
 * are the 304's own: the stored ones speak of the earlier answer.
 */
export function updateCacheFields(stored: CacheFields, notModified: CacheFields): CacheFields {
  const { age: _, date: __, ...kept } = stored;
  return { ...kept, ...notModified };
}

/** `If-None-Match` and `If-Modified-Since` for asking again (RFC 9110 §13.1); empty without validators. */
export function conditionalHeaders(fields: CacheFields): Record<string, string> {
  return {
    ...(fields.etag === undefined ? {} : { 'if-none-match': fields.etag }),
    ...(fields['last-modified'] === undefined ? {} : { 'if-modified-since': fields['last-modified'] }),
  };
}

/** For how many milliseconds from its request on we use an answer without asking again: HTTP's lifetime less `Age`, within the limits. */
export function timeToLiveMs(url: string, fields: CacheFields, limits: FreshnessLimits): number {
  const left = (lifetimeSeconds(url, fields) - ageSeconds(fields)) * 1000;
  return Math.min(Math.max(left, limits.minTtlMs), Math.max(limits.minTtlMs, limits.maxTtlMs));
}

/** The outward freshness `elapsedMs` after the request that brought these fields. */
export function outwardFreshness(url: string, fields: CacheFields, elapsedMs: number): OutwardFreshness {
  const directives = parseCacheControl(fields['cache-control'] ?? '');
  const noStore = directives.has('no-store');
  const noCache =
    noStore ||
    directives.has('no-cache') ||
    (fields['cache-control'] === undefined && /no-cache/i.test(fields.pragma ?? ''));
  const mustRevalidate = directives.has('must-revalidate') || directives.has('proxy-revalidate');
  const explicit = directives.has('max-age') || fields.expires !== undefined;
  const left =
    explicit && !noCache ? lifetimeSeconds(url, fields) - ageSeconds(fields) - elapsedMs / 1000 : 0;
  const stale = (name: string): number =>
    noCache || mustRevalidate
      ? 0
      : Math.max(0, Math.floor(seconds(directives.get(name)) + Math.min(0, left)));
  return {
    maxAgeSeconds: Math.max(0, Math.floor(left)),
    noCache,
    mustRevalidate,
    private: directives.has('private'),
    staleWhileRevalidateSeconds: stale('stale-while-revalidate'),
    staleIfErrorSeconds: stale('stale-if-error'),
  };
}

/** Freshness lifetime by RFC 9111 §4.2.1 for a private cache (`s-maxage` does not count); 0 for `no-store` and `no-cache`. */
function lifetimeSeconds(url: string, fields: CacheFields): number {
  const headers = { ...fields, 'cache-control': normaliseCacheControl(fields['cache-control']) };
  const policy = new CachePolicy(
    { url, method: 'GET', headers: {} },
    { status: 200, headers },
    { shared: false, immutableMinTimeToLive: 0 },
  );
  return Math.max(0, policy.maxAge());
}

function ageSeconds(fields: CacheFields): number {
  return seconds(/^\s*(\d+)/.exec(fields.age ?? '')?.[1]);
}

/** The library compares names as written and parses numbers loosely; RFC 9111 §5.2 has names in any case and digits only. */
function normaliseCacheControl(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const parts: string[] = [];
  for (const [name, argument] of parseCacheControl(value)) {
    if (name === 'max-age') parts.push(`max-age=${seconds(argument)}`);
    else parts.push(argument === '' ? name : `${name}="${argument.replaceAll(',', ' ')}"`);
  }
  return parts.join(', ');
}

/** Directives by lower-case name. One that is given twice with different arguments is invalid and counts as 0 (RFC 9111 §4.2.1). */
function parseCacheControl(value: string): Map<string, string> {
  const directives = new Map<string, string>();
  for (const match of value.matchAll(
    /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/g,
  )) {
    const name = (match[1] ?? '').toLowerCase();
    const argument = match[2] ?? match[3] ?? '';
    const earlier = directives.get(name);
    directives.set(name, earlier !== undefined && earlier !== argument ? '0' : argument);
  }
  return directives;
}

/** delta-seconds of RFC 9111 §1.2.2: digits only, capped at 2^31; anything else is 0, that is stale. */
function seconds(text: string | undefined): number {
  if (text === undefined || !/^\d+$/.test(text)) return 0;
  return Math.min(Number(text), 2_147_483_648);
}
