/** The auth metadata document as it is served: by mode, prepared once per change, never per request. */
import type { IncomingHttpHeaders } from 'node:http';
import { type PreparedBody, prepareBody } from '../http/etag.ts';
import type { Reply } from '../http/exchange.ts';
import { type Abilities, buildMetadata } from './build.ts';
import { metadataFaults } from './check.ts';
import { passthroughMetadata } from './passthrough.ts';
import type { Clock } from '../protocol/clock.ts';
import { MatrixError } from '../protocol/matrix-error.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { OutwardFreshness } from '../upstream/documents/freshness.ts';
import type { Provider } from '../upstream/provider.ts';

/** Serves one document: 200 or 304 by the request's headers; throws if there is none. */
export interface PublishedDocument {
  reply(headers: IncomingHttpHeaders): Reply;
}

export interface PublishedMetadata {
  readonly metadata: PublishedDocument;
  /** `{"issuer"}`, as an older draft of MSC2965 had it. */
  readonly issuer: PublishedDocument;
}

const JSON_TYPE = 'application/json';

/**
 * Facade mode: our own document, built anew when `onChange` calls back: what we can do depends on what the IdP can. Throws if it breaks the
 * specification.
 */
export function facadeDocuments(options: {
  issuer: string;
  cacheControl: string;
  abilities: () => Abilities;
  onChange: (listener: () => void) => void;
}): PublishedMetadata {
  const { issuer, cacheControl, abilities } = options;
  const kind = { contentType: JSON_TYPE, cacheControl };
  let text = '';
  let metadata: PreparedBody | undefined;
  const rebuild = (): PreparedBody => {
    const document = buildMetadata(issuer, abilities());
    const faults = metadataFaults(document, { allowHttp: issuer.startsWith('http:') });
    if (faults.length > 0) throw new Error(`our own metadata breaks the specification: ${faults.join('; ')}`);
    const next = JSON.stringify(document);
    if (metadata === undefined || next !== text) metadata = prepareBody(document, kind);
    text = next;
    return metadata;
  };
  let current = rebuild();
  options.onChange(() => {
    current = rebuild();
  });
  return {
    metadata: { reply: (headers) => current.reply(headers) },
    issuer: prepareBody({ issuer }, kind),
  };
}

/** The OAuth API is switched off: 404 M_UNRECOGNIZED, by which clients know (MSC2965). */
export function noDocuments(): PublishedMetadata {
  const none: PublishedDocument = {
    reply: () => {
      throw new MatrixError(404, 'M_UNRECOGNIZED', 'The OAuth 2.0 API is switched off on this server');
    },
  };
  return { metadata: none, issuer: none };
}

/**
 * Passthrough mode: the IdP's document, as long as there is one that is fit (`passthroughFaults` judges it before it comes into use). Without one the route
 * answers 503, never 404, which would make clients fall back to legacy login. The freshness that others get is what is left of the IdP's own.
 */
export function passthroughDocuments(options: {
  provider: Pick<Provider, 'published' | 'onMetadataChange'>;
  overrides: Readonly<Record<string, unknown>>;
  clock: Clock;
}): PublishedMetadata {
  const { provider, clock } = options;
  let prepared: { metadata: PreparedBody; issuer: PreparedBody } | undefined;
  let served: { second: number; metadata: PreparedBody; issuer: PreparedBody } | undefined;
  provider.onMetadataChange(() => {
    prepared = undefined;
    served = undefined;
  });

  const prepare = (document: Readonly<Record<string, unknown>>): NonNullable<typeof prepared> => {
    const blank = { contentType: JSON_TYPE, cacheControl: 'no-cache' };
    return {
      metadata: prepareBody(passthroughMetadata(document, options.overrides), blank),
      issuer: prepareBody({ issuer: document['issuer'] }, blank),
    };
  };
  const current = (): { metadata: PreparedBody; issuer: PreparedBody } => {
    const second = Math.floor(clock.monotonic() / 1000);
    if (served?.second === second) return served;
    const source = provider.published();
    if (source === undefined)
      throw new Unavailable('the metadata of the identity provider', { retryAfterSeconds: 30 });
    prepared ??= prepare(source.document);
    const value = outwardCacheControl(source.freshness);
    served = {
      second,
      metadata: prepared.metadata.withCacheControl(value),
      issuer: prepared.issuer.withCacheControl(value),
    };
    return served;
  };
  return {
    metadata: { reply: (headers) => current().metadata.reply(headers) },
    issuer: { reply: (headers) => current().issuer.reply(headers) },
  };
}

/** Never more than the IdP granted; RFC 9111 section 5.2.2, RFC 5861. */
function outwardCacheControl(freshness: OutwardFreshness): string {
  const scope = freshness.private ? 'private' : 'public';
  if (freshness.noCache) return 'no-cache';
  const directives = [scope, `max-age=${String(freshness.maxAgeSeconds)}`];
  if (freshness.mustRevalidate) directives.push('must-revalidate');
  else {
    const { staleWhileRevalidateSeconds: revalidate, staleIfErrorSeconds: error } = freshness;
    if (revalidate > 0) directives.push(`stale-while-revalidate=${String(revalidate)}`);
    if (error > 0) directives.push(`stale-if-error=${String(error)}`);
  }
  return directives.join(', ');
}
