/**
 * One document of the IdP, kept by HTTP's rules. It is the provider's configuration, so the last good one stays in use until a
 * better one is there, whatever its `no-store` says; the rules steer when it is asked for again.
 */
import type { Clock, Random } from '../../protocol/clock.ts';
import { Unavailable } from '../../protocol/unavailable.ts';
import { assertJsonOk } from '../../outbound/answers.ts';
import { DocumentFault } from './document-fault.ts';
import type { DocumentKind, DocumentStore } from './document-store.ts';
import {
  conditionalHeaders,
  outwardFreshness,
  pickCacheFields,
  timeToLiveMs,
  updateCacheFields,
  type CacheFields,
  type FreshnessLimits,
  type OutwardFreshness,
} from './freshness.ts';
import type { PartLog } from '../../observability/part-log.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import { OutboundFault } from '../../outbound/outbound-fault.ts';

export interface CacheLimits extends FreshnessLimits {
  /** For how long past its freshness a document is served while nothing newer is available. */
  readonly staleIfErrorMs: number;
}

export interface CachedDocumentOptions<T> {
  readonly providerId: string;
  readonly kind: DocumentKind;
  /** What is unavailable, in words for a page. */
  readonly what: string;
  /** Where it is now; may wait for another document. Throws Unavailable. */
  readonly url: () => Promise<string>;
  readonly accept: string;
  readonly maxBytes: number;
  /** Reads a body; throws an error whose message names the fault if it is not fit for use. */
  readonly parse: (body: string) => T | Promise<T>;
  readonly limits: CacheLimits;
  /** First wait after a failed fetch, while a good document is held; doubles up to the floor. Milliseconds. */
  readonly warmRetryMs: number;
  readonly outbound: Outbound;
  readonly store: DocumentStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: PartLog;
  /** Called after a document with another body came into use. */
  readonly onChange?: (() => void) | undefined;
  /** Told when a document that differs from the last good one is taken into use, or is refused as not fit for use: once for each reason. */
  readonly onNews?: ((news: DocumentNews) => void) | undefined;
}

export interface CachedDocument<T> {
  /** The document in use, at once; fetched first only if none is held. Throws Unavailable. */
  get(): Promise<T>;
  /** The document in use without waiting or fetching. */
  peek(): T | undefined;
  /** Asks the IdP now, or joins who does. Never throws: `state` tells what came of it. */
  refresh(): Promise<void>;
  /** As {@link refresh}, if it is time. */
  refreshIfDue(): Promise<void>;
  /** Whether a fetch is under way, which {@link refresh} would join. */
  isRefreshing(): boolean;
  /** Takes the persisted document into use if none is held. Never throws. */
  load(): Promise<void>;
  /** Makes the document due, as when it has moved. */
  invalidate(): void;
  /** Milliseconds until it is due; 0 if it is. */
  dueInMs(): number;
  /** Body and outward freshness of the document in use. */
  outward(): { body: string; freshness: OutwardFreshness } | undefined;
  state(): CachedDocumentState;
}

/** What became of a document that the IdP gave out. */
export type DocumentNews =
  | { readonly kind: 'changed'; readonly document: DocumentKind }
  | { readonly kind: 'refused'; readonly document: DocumentKind; readonly reason: string };

export interface CachedDocumentState {
  /** `stale`: past its time, or the last fetch failed; still served. `none`: nothing that may be served. */
  readonly state: 'fresh' | 'stale' | 'none';
  /** Since the IdP last confirmed it, in milliseconds. */
  readonly ageMs: number | undefined;
  /** Wall-clock time at which the IdP last confirmed it. */
  readonly lastGoodAt: number | undefined;
  /** Monotonic time of the last attempt. */
  readonly lastAttemptAt: number | undefined;
  /** Why the last fetch failed; absent after a good one. */
  readonly lastError: string | undefined;
  /** Failed fetches in a row. */
  readonly failures: number;
  readonly fetches: FetchCounts;
}

/** Fetches by outcome since the process began. */
export interface FetchCounts {
  readonly changed: number;
  readonly unchanged: number;
  readonly notModified: number;
  readonly failed: number;
  /** The failed ones by cause: a kind of {@link OutboundFault}, `document` for one that is not fit for use, or `other`. */
  readonly failedBy: Readonly<Record<string, number>>;
}

interface Held<T> {
  readonly value: T;
  readonly url: string;
  readonly body: string;
  readonly fields: CacheFields;
  /** Monotonic time of the request that last confirmed it. */
  readonly confirmedAt: number;
  /** The same moment by the wall clock. */
  readonly confirmedWallAt: number;
  /** Monotonic. */
  readonly freshUntil: number;
}

/** First wait after a failed fetch while nothing is held: people are waiting. */
const COLD_RETRY_MS = 1000;
/** A document that stays the same is written again after this time, so that its age after a restart is about right. */
const RESAVE_MS = 3_600_000;

/** Fetches nothing until it is asked for. At most one fetch is under way, and none begins before the floor or the back-off has passed, but by `refresh`. */
export function createCachedDocument<T>(options: CachedDocumentOptions<T>): CachedDocument<T> {
  const { clock, log, limits, kind, providerId } = options;
  const counts = { changed: 0, unchanged: 0, notModified: 0, failed: 0 };
  const failedBy: Record<string, number> = {};
  let held: Held<T> | undefined;
  let dueAt = 0;
  let lastAttemptAt: number | undefined;
  let failures = 0;
  let lastError: string | undefined;
  let isLasting = false;
  let underWay: Promise<void> | undefined;
  let loading: Promise<void> | undefined;
  let savedAt = Number.NEGATIVE_INFINITY;

  const usable = (): Held<T> | undefined =>
    held !== undefined && clock.monotonic() < held.freshUntil + limits.staleIfErrorMs ? held : undefined;

  const fraction = (): number => options.random(4).readUInt32BE(0) / 2 ** 32;

  const hold = (value: T, url: string, body: string, fields: CacheFields, requestedAt: number): void => {
    const ttl = timeToLiveMs(url, fields, limits);
    // A tenth of jitter, earlier if the floor leaves room for it, else later.
    const jitter = 0.1 * fraction() * ttl;
    const wait = ttl - jitter >= limits.minTtlMs ? ttl - jitter : ttl + jitter;
    dueAt = requestedAt + wait;
    held = {
      value,
      url,
      body,
      fields,
      confirmedAt: requestedAt,
      confirmedWallAt: Math.round(clock.now() - (clock.monotonic() - requestedAt)),
      freshUntil: requestedAt + Math.max(ttl, wait),
    };
  };

  const save = (changed: boolean): void => {
    const now = clock.monotonic();
    if (held === undefined || (!changed && now - savedAt < RESAVE_MS)) return;
    savedAt = now;
    const { url, body, fields, confirmedWallAt } = held;
    options.store
      .save({ providerId, kind, url, body, headers: { ...fields }, fetchedAt: confirmedWallAt })
      .catch((error: unknown) => {
        savedAt = Number.NEGATIVE_INFINITY;
        log.warn(
          { provider: providerId, document: kind, err: error },
          'the IdP document could not be stored',
        );
      });
  };

  const fetchOnce = async (): Promise<void> => {
    lastAttemptAt = clock.monotonic();
    const url = await options.url();
    const before = held?.url === url ? held : undefined;
    const response = await options.outbound.send({
      purpose: options.kind,
      url,
      headers: { accept: options.accept, ...(before === undefined ? {} : conditionalHeaders(before.fields)) },
      maxBytes: options.maxBytes,
    });
    const fields = pickCacheFields(response.headers, clock.now());
    if (response.status === 304 && before !== undefined) {
      counts.notModified++;
      hold(before.value, url, before.body, updateCacheFields(before.fields, fields), response.requestedAt);
      save(false);
      return;
    }
    assertJsonOk(response, url);
    if (before?.body === response.text) {
      counts.unchanged++;
      hold(before.value, url, before.body, fields, response.requestedAt);
      save(false);
      return;
    }
    const value = await options.parse(response.text);
    counts.changed++;
    const hadOne = held !== undefined;
    hold(value, url, response.text, fields, response.requestedAt);
    save(true);
    options.onChange?.();
    if (hadOne) options.onNews?.({ kind: 'changed', document: kind });
  };

  const succeed = (): void => {
    if (failures > 0)
      log.info({ provider: providerId, document: kind }, 'the IdP document can be fetched again');
    failures = 0;
    lastError = undefined;
  };

  const fail = (error: unknown): void => {
    if (error instanceof OutboundFault && error.kind === 'closed') return;
    const message = causeOf(error);
    const news = message !== lastError;
    failures++;
    counts.failed++;
    const cause = causeKindOf(error);
    failedBy[cause] = (failedBy[cause] ?? 0) + 1;
    lastError = message;
    isLasting = isLastingFault(error);
    const first = held === undefined ? COLD_RETRY_MS : options.warmRetryMs;
    const asked = error instanceof OutboundFault ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    const wait = Math.min(Math.max(first * 2 ** Math.min(failures - 1, 20), asked), limits.minTtlMs);
    dueAt = clock.monotonic() + wait * (held === undefined ? 1 : 1 - 0.1 * fraction());
    const members = {
      provider: providerId,
      document: kind,
      reason: message,
      failures,
      servingLastGood: usable() !== undefined,
    };
    if (news) log.warn(members, 'the IdP document could not be fetched');
    else log.debug(members, 'the IdP document could not be fetched');
    if (news && error instanceof DocumentFault) {
      options.onNews?.({ kind: 'refused', document: kind, reason: message });
    }
  };

  const refresh = (): Promise<void> => {
    underWay ??= fetchOnce()
      .then(succeed, fail)
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };

  const refreshIfDue = (): Promise<void> => (clock.monotonic() >= dueAt ? refresh() : Promise.resolve());

  const takeStored = async (): Promise<void> => {
    const stored = await options.store.load(providerId, kind);
    if (stored === undefined) return;
    // Another provider, or another place, may have been configured since. While nobody can say where the document is, the one that there is must do.
    const url = await options.url().catch(() => stored.url);
    if (held !== undefined) return;
    if (stored.url !== url)
      throw new DocumentFault(`it is from ${stored.url}, and the document is at ${url} now`);
    const value = await options.parse(stored.body);
    const fields = pickCacheFields(stored.headers, stored.fetchedAt);
    const age = Math.max(0, clock.now() - stored.fetchedAt);
    hold(value, stored.url, stored.body, fields, clock.monotonic() - age);
    // A restart is when people expect a change at the IdP to be picked up.
    dueAt = clock.monotonic();
    savedAt = clock.monotonic();
    options.onChange?.();
  };

  const load = (): Promise<void> => {
    loading ??= takeStored().catch((error: unknown) => {
      log.warn(
        { provider: providerId, document: kind, reason: causeOf(error) },
        'the stored IdP document is not used',
      );
    });
    return loading;
  };

  return {
    async get() {
      if (held === undefined) await load();
      const good = usable();
      if (good !== undefined) {
        void refreshIfDue();
        return good.value;
      }
      await refreshIfDue();
      const fetched = usable();
      if (fetched !== undefined) return fetched.value;
      throw new Unavailable(options.what, {
        cause: new Error(lastError ?? 'no document is held'),
        retryAfterSeconds: Math.max(0, dueAt - clock.monotonic()) / 1000,
        isLasting,
      });
    },
    peek: () => usable()?.value,
    refresh,
    refreshIfDue,
    isRefreshing: () => underWay !== undefined,
    load,
    invalidate: () => {
      dueAt = 0;
    },
    dueInMs: () => Math.max(0, dueAt - clock.monotonic()),
    outward: () => {
      const good = usable();
      if (good === undefined) return undefined;
      const { body, url, fields, confirmedAt } = good;
      return { body, freshness: outwardFreshness(url, fields, clock.monotonic() - confirmedAt) };
    },
    state: () => {
      const good = usable();
      const fresh = good !== undefined && failures === 0 && clock.monotonic() < good.freshUntil;
      return {
        state: good === undefined ? 'none' : fresh ? 'fresh' : 'stale',
        ageMs: held === undefined ? undefined : clock.monotonic() - held.confirmedAt,
        lastGoodAt: held?.confirmedWallAt,
        lastAttemptAt,
        lastError,
        failures,
        fetches: { ...counts, failedBy: { ...failedBy } },
      };
    },
  };
}

function causeKindOf(error: unknown): string {
  if (error instanceof OutboundFault) return error.kind;
  return error instanceof DocumentFault ? 'document' : 'other';
}

/** A document that is not fit for use stays so until somebody corrects it. */
function isLastingFault(error: unknown): boolean {
  if (error instanceof OutboundFault || error instanceof Unavailable) return error.isLasting;
  return error instanceof DocumentFault;
}

/** What went wrong, in words for the log. Our own errors have safe messages; of others only the name is safe. */
function causeOf(error: unknown): string {
  if (error instanceof Unavailable) return error.cause instanceof Error ? error.cause.message : error.message;
  if (error instanceof OutboundFault || error instanceof DocumentFault) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
}
