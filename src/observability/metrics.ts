/**
 * Every metric of the service, declared once. Names and labels are a promise to operators' dashboards; labels come from closed lists
 * (operation ids, outcomes), never from a request's text. `docs/metrics.md` is generated from this file.
 */
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { createCount, createDistribution } from './tally.ts';

/** What a label holds: one of a closed list, each with what it means if its name does not say it; else a description. */
export type Label = string | Readonly<Record<string, string>>;

/** What a metric is and what its labels hold. */
interface Declaration {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, Label>>;
  /** Histograms: upper bounds, in seconds. */
  readonly buckets?: readonly number[];
}

/** Of a label that is known when the service starts. */
const PROVIDER = 'id of the provider in the configuration';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** All declarations, for the registry and for the documentation. */
export const metricDeclarations = {
  buildInfo: {
    kind: 'gauge',
    name: 'gatehouse_build_info',
    help: 'Always 1; the labels say what is running.',
    labels: { version: 'of Gatehouse', node: 'version of Node.js', engine: { sqlite: '', postgres: '' } },
  },
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
    labels: { event: 'name of the event, as in the log; each is there from the start' },
  },
  refreshes: {
    kind: 'counter',
    name: 'gatehouse_refreshes_total',
    help: 'Refresh requests of clients.',
    labels: {
      outcome: {
        rotated: '',
        repeated: 'an honest retry got the same pair',
        refused: '',
        reuse: 'the session was ended',
      },
    },
  },
  introspections: {
    kind: 'counter',
    name: 'gatehouse_introspections_total',
    help: 'Introspection requests of the homeserver and of resource servers.',
    labels: { outcome: { active: '', inactive: '', locked: '' } },
  },
  verifications: {
    kind: 'counter',
    name: 'gatehouse_verifications_total',
    help: 'Verification requests of reverse proxies and of servers of other protocols.',
    labels: {
      by: { forward_auth: '', sasl: '' },
      outcome: {
        active: '',
        anonymous: 'passed without an identity',
        inactive: '',
        insufficient_scope: '',
        locked: '',
        unavailable: '',
      },
    },
  },
  tokenVerifications: {
    kind: 'counter',
    name: 'gatehouse_token_verifications_total',
    help: 'Verifications of access tokens of the identity providers.',
    labels: {
      provider: PROVIDER,
      outcome: {
        hit: 'the verdict was cached',
        miss: 'it was not',
        shared: 'a request for it was already in progress',
      },
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
    help: 'Requests to the identity providers.',
    labels: {
      provider: PROVIDER,
      kind: {
        metadata: '',
        jwks: '',
        token: '',
        userinfo: '',
        introspection: '',
        tokeninfo: '',
      },
      outcome: {
        ok: '',
        not_modified: 'the document held is still good',
        refused: 'a status of 4xx',
        failed: 'any other status, or no answer',
      },
    },
  },
  upstreamDuration: {
    kind: 'histogram',
    name: 'gatehouse_upstream_request_duration_seconds',
    help: 'Time of a request to an identity provider, from asking for a connection to the last byte or the failure.',
    labels: { provider: PROVIDER, kind: 'as in gatehouse_upstream_requests_total' },
    buckets: SECONDS,
  },
  signIns: {
    kind: 'counter',
    name: 'gatehouse_sign_ins_total',
    help: 'What became of sign-ins that came back from an identity provider.',
    labels: {
      provider: PROVIDER,
      outcome: {
        signed_in: '',
        denied: 'the provider let nobody in, or the person cancelled there',
        refused:
          'the person may not use this server: access rules, a lock, a name that is taken or not allowed',
        invalid: 'an answer of the provider was not acceptable',
        unavailable: 'the provider, the homeserver or the database did not answer',
      },
    },
  },
  sessionsLive: {
    kind: 'gauge',
    name: 'gatehouse_live_sessions',
    help: 'Sessions that have not ended; counted at most every five minutes.',
    labels: {},
  },
  users: {
    kind: 'gauge',
    name: 'gatehouse_users',
    help: 'Users that are not deactivated; counted at most every five minutes.',
    labels: {},
  },
  databaseDuration: {
    kind: 'histogram',
    name: 'gatehouse_database_duration_seconds',
    help: 'Time for the database to answer, waiting and repetitions included.',
    labels: {
      operation: {
        read: 'one statement',
        write: 'a transaction, until it is on disk',
        write_soon: 'a transaction that is not waited for until it is on disk',
      },
    },
    buckets: [0.0001, 0.00025, 0.0005, ...SECONDS],
  },
  upstreamDocumentAge: {
    kind: 'gauge',
    name: 'gatehouse_upstream_document_age_seconds',
    help: 'Age of the last good document of a provider; absent if there never was one.',
    labels: { provider: PROVIDER, kind: { metadata: '', jwks: '' } },
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
type Value<Held> = Held extends string ? string : Extract<keyof Held, string>;
type Labels<Key extends keyof Declarations> = {
  readonly [Name in LabelsOf<Key>]: Value<
    Declarations[Key]['labels'][Name & keyof Declarations[Key]['labels']]
  >;
};
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

/**
 * A registry with every declared metric, and those of the process (`process_*`, `nodejs_*`) unless `processMetrics` is false. Counters whose labels all have
 * closed lists, or are a provider, are 0 from the start: an increase from nothing to 1 would be none to Prometheus.
 */
export function createMetrics(
  options: { readonly processMetrics?: boolean; readonly providers?: readonly string[] } = {},
): Metrics {
  const registry = new Registry();
  const refreshers: (() => void | Promise<void>)[] = [];
  const counters = new Map<string, ReturnType<typeof createCount>>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, ReturnType<typeof createDistribution>>();
  for (const [key, declaration] of Object.entries<Declaration>(metricDeclarations)) {
    const { name, help, kind } = declaration;
    const declared = { name, help, labelNames: Object.keys(declaration.labels) };
    if (kind === 'counter') {
      const count = createCount(registry, declared);
      for (const labels of combinations(declaration.labels, options.providers ?? [])) count(labels, 0);
      counters.set(key, count);
    } else if (kind === 'gauge') gauges.set(key, new Gauge({ ...declared, registers: [registry] }));
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

/** Every combination of the labels' values; none if a label's values are not known beforehand. */
function combinations(
  labels: Readonly<Record<string, Label>>,
  providers: readonly string[],
): Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<Readonly<Record<string, string>>[]>(
    (found, [name, label]) => {
      const values = typeof label !== 'string' ? Object.keys(label) : label === PROVIDER ? providers : [];
      return found.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
    },
    [{}],
  );
}
