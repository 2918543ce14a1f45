/** One IdP: its documents kept by HTTP's rules, and logins through it. Everything is held in memory but the last good documents. */
import type { LookupFunction } from 'node:net';
import type { Clock, Random } from '../protocol/clock.ts';
import { createAddressPolicy, isLoopbackHost } from '../protocol/addresses.ts';
import {
  buildAuthorizationUrl,
  translatePrompt,
  type AuthorizationInput,
} from './login/authorization-url.ts';
import { createClientAuthentication } from './login/client-authentication.ts';
import { DocumentFault } from './documents/document-fault.ts';
import { discoveryUrl } from './documents/discovery-url.ts';
import { createConstantDocument } from './documents/constant-document.ts';
import { noDocumentStore, type DocumentStore } from './documents/document-store.ts';
import type { OutwardFreshness } from './documents/freshness.ts';
import {
  createCachedDocument,
  type CachedDocument,
  type CachedDocumentState,
  type DocumentNews,
} from './documents/http-cache.ts';
import {
  COOL_DOWN_MS,
  createSignatureVerifier,
  JWKS_BYTES,
  parseKeySet,
  type KeySet,
  type SignatureVerifier,
} from './documents/jwks.ts';
import type { PartLog } from '../observability/part-log.ts';
import { needsKeys } from './login/signature-algorithms.ts';
import { finishLogin, type UpstreamIdentity } from './login/login.ts';
import type { CallbackInput } from './login/login-context.ts';
import { IDENTITY_PROVIDER } from './login/login-errors.ts';
import { type LogoutToken, readLogoutToken } from './login/logout-token.ts';
import {
  METADATA_BYTES,
  metadataByHand,
  parseMetadata,
  type ProviderMetadata,
} from './documents/metadata.ts';
import { createOutbound, type Outbound, type OutboundOutcome } from '../outbound/outbound.ts';
import { checkPassword, type PasswordInput } from './login/password.ts';
import { refreshIdentity, type RefreshedIdentity, type RefreshInput } from './login/refresh-identity.ts';
import { startRefreshing } from './documents/refresh-timer.ts';
import { resolveSettings, type ResolvedSettings } from './resolved-settings.ts';
import type { ProviderSettings } from './settings.ts';

export interface Provider {
  readonly id: string;
  /** As configured. */
  readonly issuer: string;
  /** How the callback arrives: query by GET, form_post by POST. */
  readonly responseMode: 'query' | 'form_post';
  /** URL to send the browser to. Throws Unavailable when no metadata is available. */
  authorizationUrl(input: AuthorizationInput): Promise<URL>;
  /** Takes the callback's parameters. Throws UpstreamRefusal (the IdP or its answer says no) or Unavailable. */
  finishLogin(input: CallbackInput): Promise<UpstreamIdentity>;
  /** Asks who has this name and password. Throws UpstreamRefusal of the kind `denied` if the IdP lets nobody in by them, or Unavailable. */
  checkPassword(input: PasswordInput): Promise<UpstreamIdentity>;
  /** Asks again who somebody is, by the refresh token of their login. Throws UpstreamRefusal or Unavailable, neither of which says anything about the person. */
  refreshIdentity(input: RefreshInput): Promise<RefreshedIdentity>;
  /** Checks a token of back-channel logout. Throws UpstreamRefusal if it is none, or Unavailable. */
  readLogoutToken(token: string): Promise<LogoutToken>;
  /** The IdP's metadata, for our own use and as it was sent. Throws Unavailable. */
  metadata(): Promise<ProviderMetadata>;
  /** The metadata document in use with what is left of its freshness; undefined if none is held or it is given by hand. */
  published(): PublishedMetadata | undefined;
  /** Whether it can be asked to create an account (`prompt=create`), by its metadata or its preset; false while none is held. */
  createsAccounts(): boolean;
  /** Signature checks by the IdP's keys: for tokens that it issued. */
  readonly signatures: SignatureVerifier;
  state(): ProviderState;
  /** Calls back after the metadata in use changed; the answer stops that. */
  onMetadataChange(listener: () => void): () => void;
  /** Asks for both documents now and waits for the outcome. Never throws: `state` tells. */
  refresh(): Promise<void>;
  /** Loads the persisted documents and keeps them fresh in the background. */
  start(): void;
  close(): Promise<void>;
}

export interface PublishedMetadata {
  readonly document: Readonly<Record<string, unknown>>;
  readonly freshness: OutwardFreshness;
}

export interface ProviderState {
  readonly metadata: 'fresh' | 'stale' | 'none';
  readonly keys: 'fresh' | 'stale' | 'none';
  /** Wall-clock time at which the IdP last confirmed the older of the two documents; absent until both were fetched once. */
  readonly lastGoodAt?: number;
  /** Why the last fetch failed, for the log and the doctor; absent while all is well. */
  readonly lastError?: string;
  readonly documents: {
    readonly metadata: CachedDocumentState | undefined;
    readonly jwks: CachedDocumentState | undefined;
  };
}

export interface ProviderOptions {
  readonly settings: ProviderSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: PartLog;
  readonly documents?: DocumentStore;
  /** Why a metadata document is not fit for use although a sign-in could do with it, in words for the log. It then counts as one that could not be fetched. */
  readonly whyUnfit?: ((document: ProviderMetadata['document']) => string | undefined) | undefined;
  /** Told of documents that changed, and of those that were refused. */
  readonly onDocumentNews?: (news: DocumentNews) => void;
  /** Told what became of each request to the IdP. */
  readonly onOutcome?: ((outcome: OutboundOutcome) => void) | undefined;
  /** Name resolution, for tests. */
  readonly lookup?: LookupFunction;
}

/** Does not connect to anything yet. Throws a RangeError if the settings cannot be used. */
export function createProvider(options: ProviderOptions): Provider {
  const settings = resolveSettings(options.settings);
  const outbound = createProviderOutbound(settings, options);
  const listeners = new Set<() => void>();
  const metadata = metadataOf(settings, outbound, options, () => {
    for (const listener of listeners) listener();
  });
  const keys = keysOf(settings, outbound, options, metadata);
  const verifier = createSignatureVerifier({
    document: keys,
    clock: options.clock,
    log: options.log,
    providerId: settings.id,
  });
  const deps = {
    settings,
    outbound,
    verifier,
    clientAuthentication: createClientAuthentication(settings, options.clock),
    clock: options.clock,
    log: options.log,
  };
  let jwksUri = metadata.peek()?.server.jwks_uri;
  listeners.add(() => {
    const moved = metadata.peek()?.server.jwks_uri;
    if (moved === jwksUri) return;
    jwksUri = moved;
    keys.invalidate();
  });
  let stop: (() => void) | undefined;
  const fetchesMetadata = settings.discovery.method !== 'none';
  const usesKeys = needsKeys(settings);

  return {
    id: settings.id,
    issuer: settings.issuer,
    responseMode: settings.responseMode,
    authorizationUrl: async (input) => buildAuthorizationUrl((await metadata.get()).server, settings, input),
    finishLogin: async (input) => finishLogin(deps, (await metadata.get()).server, input),
    checkPassword: async (input) => checkPassword(deps, (await metadata.get()).server, input),
    refreshIdentity: async (input) => refreshIdentity(deps, (await metadata.get()).server, input),
    readLogoutToken: async (token) => readLogoutToken(deps, (await metadata.get()).server, token),
    metadata: () => metadata.get(),
    published: () => {
      const outward = metadata.outward();
      const value = metadata.peek();
      if (outward === undefined || value === undefined) return undefined;
      return { document: value.document, freshness: outward.freshness };
    },
    createsAccounts: () => {
      const server = metadata.peek()?.server;
      return server !== undefined && translatePrompt('create', server, settings) !== undefined;
    },
    signatures: verifier,
    state: () => stateOf(fetchesMetadata ? metadata.state() : undefined, usesKeys ? keys.state() : undefined),
    onMetadataChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh: async () => {
      await metadata.refresh();
      if (usesKeys) await keys.refresh();
    },
    start: () => {
      stop ??= startRefreshing([metadata, ...(usesKeys ? [keys] : [])]);
    },
    close: async () => {
      stop?.();
      await outbound.close();
    },
  };
}

/** The way out to one IdP. Loopback is allowed if a URL that the operator wrote names it. */
export function createProviderOutbound(
  settings: ResolvedSettings,
  options: Pick<ProviderOptions, 'clock' | 'lookup' | 'onOutcome'> & { readonly concurrency?: number },
): Outbound {
  const written = [settings.issuer, settings.discovery.url, ...Object.values(settings.discovery.overrides)];
  const loopback = written.some((each) => {
    const url = typeof each === 'string' ? URL.parse(each) : null;
    return url !== null && isLoopbackHost(url);
  });
  return createOutbound({
    clock: options.clock,
    addresses: createAddressPolicy({ loopback, allowed: settings.allowAddresses }),
    allowHttp: settings.allowHttp,
    timeoutMs: settings.timeoutMs,
    concurrency: options.concurrency,
    ca: settings.ca,
    proxy: settings.proxy,
    onOutcome: options.onOutcome,
    lookup: options.lookup,
  });
}

function metadataOf(
  settings: ResolvedSettings,
  outbound: Outbound,
  options: ProviderOptions,
  onChange: () => void,
): CachedDocument<ProviderMetadata> {
  const { method, url } = settings.discovery;
  if (method === 'none') return createConstantDocument(metadataByHand(settings));
  const where = url ?? discoveryUrl(settings.issuer, method);
  return createCachedDocument({
    ...commonOf(settings, outbound, options),
    kind: 'metadata',
    url: () => Promise.resolve(where),
    accept: 'application/json',
    maxBytes: METADATA_BYTES,
    parse: (body) => {
      const parsed = parseMetadata(body, settings);
      const reason = options.whyUnfit?.(parsed.document);
      if (reason !== undefined) throw new DocumentFault(reason);
      return parsed;
    },
    warmRetryMs: 15_000,
    onChange,
  });
}

function keysOf(
  settings: ResolvedSettings,
  outbound: Outbound,
  options: ProviderOptions,
  metadata: CachedDocument<ProviderMetadata>,
): CachedDocument<KeySet> {
  return createCachedDocument({
    ...commonOf(settings, outbound, options),
    kind: 'jwks',
    url: async () => {
      const { jwks_uri: url } = (await metadata.get()).server;
      if (url === undefined) throw new DocumentFault('the metadata document has no jwks_uri');
      return url;
    },
    accept: 'application/jwk-set+json, application/json',
    maxBytes: JWKS_BYTES,
    parse: (body) => parseKeySet(body, (message) => options.log.error({ provider: settings.id }, message)),
    warmRetryMs: COOL_DOWN_MS,
  });
}

function commonOf(settings: ResolvedSettings, outbound: Outbound, options: ProviderOptions) {
  const { minTtlMs, maxTtlMs, staleIfErrorMs } = settings.discovery;
  return {
    providerId: settings.id,
    what: IDENTITY_PROVIDER,
    limits: { minTtlMs, maxTtlMs, staleIfErrorMs },
    outbound,
    store: options.documents ?? noDocumentStore,
    clock: options.clock,
    random: options.random,
    log: options.log,
    onNews: options.onDocumentNews,
  };
}

/** A document that is not fetched (endpoints by hand, no keys in plain OAuth 2.0) is always fresh. */
function stateOf(
  metadata: CachedDocumentState | undefined,
  jwks: CachedDocumentState | undefined,
): ProviderState {
  const fetched = [metadata, jwks].filter((each) => each !== undefined);
  const times = fetched.map((each) => each.lastGoodAt).filter((time) => time !== undefined);
  const lastError = fetched.find((each) => each.lastError !== undefined)?.lastError;
  return {
    metadata: metadata?.state ?? 'fresh',
    keys: jwks?.state ?? 'fresh',
    ...(times.length > 0 && times.length === fetched.length ? { lastGoodAt: Math.min(...times) } : {}),
    ...(lastError === undefined ? {} : { lastError }),
    documents: { metadata, jwks },
  };
}
