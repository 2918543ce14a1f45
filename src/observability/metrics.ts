/**
 * Every metric of the service, declared once. Names and labels are a promise to operators' dashboards; labels come from closed lists
 * (operation ids, outcomes), never from a request's text. `docs/metrics.md` is generated from this file.
 */
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { createCount, createDistribution } from './tally.ts';

/** What a metric is and what its labels hold. */
interface Declaration {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Histograms: upper bounds, in seconds. */
  readonly buckets?: readonly number[];
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** All declarations, for the registry and for the documentation. */
export const metricDeclarations = {
  httpRequests: {
    kind: 'counter',
    name: 'gatehouse_http_requests_total',
    help: 'Answered HTTP requests.',
    labels: {
      operation: 'operationId of the OpenAPI document, or of the page; `unmatched` for everything else',
      status:
        'class of the status code, `2xx` to `5xx`; `gone` if the client disconnected before the response',
    },
  },
  httpDuration: {
    kind: 'histogram',
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Time from the arrival of the request head to handing over the response.',
    labels: { operation: 'as in gatehouse_http_requests_total' },
    buckets: SECONDS,
  },
  events: {
    kind: 'counter',
    name: 'gatehouse_events_total',
    help: 'Events of users, sessions and clients; each also has a log line.',
    labels: { event: 'name of the event, as in the log' },
  },
  refreshes: {
    kind: 'counter',
    name: 'gatehouse_refreshes_total',
    help: 'Refresh requests of clients.',
    labels: {
      outcome:
        '`rotated`, `repeated` (an honest retry got the same pair), `refused`, `reuse` (the session was ended)',
    },
  },
  introspections: {
    kind: 'counter',
    name: 'gatehouse_introspections_total',
    help: 'Introspection requests of the homeserver and of resource servers.',
    labels: { outcome: '`active`, `inactive`, `locked`' },
  },
  verifications: {
    kind: 'counter',
    name: 'gatehouse_verifications_total',
    help: 'Verification requests of reverse proxies and of servers of other protocols.',
    labels: {
      by: '`forward_auth` or `sasl`',
      outcome:
        '`active`, `anonymous` (passed without an identity), `inactive`, `insufficient_scope`, `locked`, `unavailable`',
    },
  },
  tokenVerifications: {
    kind: 'counter',
    name: 'gatehouse_token_verifications_total',
    help: 'Verifications of access tokens of the identity providers.',
    labels: {
      provider: 'id of the provider in the configuration',
      outcome:
        '`hit` (the verdict was cached), `miss` (it was not), `shared` (a request for it was already in progress)',
    },
  },
  rateLimitHits: {
    kind: 'counter',
    name: 'gatehouse_rate_limit_hits_total',
    help: 'Requests refused because an address or an account exceeded a limit.',
    labels: { limit: 'name of the limit' },
  },
  requestsShed: {
    kind: 'counter',
    name: 'gatehouse_requests_shed_total',
    help: 'Requests refused without processing because the service was overloaded.',
    labels: {},
  },
  outbox: {
    kind: 'gauge',
    name: 'gatehouse_homeserver_outbox_entries',
    help: 'Changes that the homeserver has not acknowledged yet.',
    labels: {},
  },
  upstreamRequests: {
    kind: 'counter',
    name: 'gatehouse_upstream_requests_total',
    help: "Requests for the identity providers' documents.",
    labels: {
      provider: 'id of the provider in the configuration',
      kind: '`metadata` or `jwks`',
      outcome: '`ok`, `not_modified`, `failed`',
    },
  },
  upstreamDocumentAge: {
    kind: 'gauge',
    name: 'gatehouse_upstream_document_age_seconds',
    help: 'Age of the last good document of a provider; absent if there never was one.',
    labels: { provider: 'id of the provider in the configuration', kind: '`metadata` or `jwks`' },
  },
  ready: {
    kind: 'gauge',
    name: 'gatehouse_ready',
    help: '1 if /health/ready answers 200, else 0.',
    labels: {},
  },
} as const satisfies Record<string, Declaration>;

type Declarations = typeof metricDeclarations;
type LabelsOf<Key extends keyof Declarations> = Extract<keyof Declarations[Key]['labels'], string>;
type Labels<Key extends keyof Declarations> = Readonly<Record<LabelsOf<Key>, string>>;
type Of<Kind extends Declaration['kind']> = {
  [Key in keyof Declarations]: Declarations[Key]['kind'] extends Kind ? Key : never;
}[keyof Declarations];

/** The metrics of one service in this process. */
export interface Metrics {
  /** Adds `by` (default 1) to a counter. */
  readonly count: <Key extends Of<'counter'>>(metric: Key, labels: Labels<Key>, by?: number) => void;
  readonly set: <Key extends Of<'gauge'>>(metric: Key, labels: Labels<Key>, value: number) => void;
  /** Forgets a gauge's value for these labels. */
  readonly forget: <Key extends Of<'gauge'>>(metric: Key, labels: Labels<Key>) => void;
  /** Records a duration, in seconds. */
  readonly observe: <Key extends Of<'histogram'>>(metric: Key, labels: Labels<Key>, seconds: number) => void;
  /** Called before each exposition, to set gauges that are read rather than followed. Failures are left out of the exposition. */
  readonly beforeCollect: (refresh: () => void | Promise<void>) => void;
  /** The exposition in the text format of Prometheus, and its content type. */
  readonly render: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/** A registry with every declared metric, and those of the process (`process_*`, `nodejs_*`) unless `processMetrics` is false. */
export function createMetrics(options: { readonly processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  const refreshers: (() => void | Promise<void>)[] = [];
  const counters = new Map<string, ReturnType<typeof createCount>>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, ReturnType<typeof createDistribution>>();
  for (const [key, declaration] of Object.entries<Declaration>(metricDeclarations)) {
    const { name, help, kind } = declaration;
    const declared = { name, help, labelNames: Object.keys(declaration.labels) };
    if (kind === 'counter') counters.set(key, createCount(registry, declared));
    else if (kind === 'gauge') gauges.set(key, new Gauge({ ...declared, registers: [registry] }));
    else histograms.set(key, createDistribution(registry, declared, declaration.buckets ?? SECONDS));
  }
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });
  return {
    count: (metric, labels, by = 1) => counters.get(metric)?.(labels, by),
    set: (metric, labels, value) => gauges.get(metric)?.set(labels, value),
    forget: (metric, labels) => gauges.get(metric)?.remove(labels),
    observe: (metric, labels, seconds) => histograms.get(metric)?.(labels, seconds),
    beforeCollect: (refresh) => void refreshers.push(refresh),
    render: async () => {
      await Promise.allSettled(refreshers.map(async (refresh) => refresh()));
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
