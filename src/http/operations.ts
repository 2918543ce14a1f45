/** The operator's listener: liveness, readiness, metrics. */
import type { components } from '../generated/operations.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createApp } from './app.ts';
import type { AppOptions, GatehouseApp } from './app.ts';
import type { Handler } from './exchange.ts';
import { guardHost, type HostRules } from './host-guard.ts';

/** What the service can do now; `degraded` still serves. `reasons`: why not `ok`, for the operator, no secrets. */
export type Readiness = components['schemas']['Health'];

export interface OperationsOptions extends Pick<
  AppOptions,
  'openapiDir' | 'log' | 'metrics' | 'clock' | 'validateResponses'
> {
  /** Asked on each call of `/health/ready` and `/metrics`; a failure or 3 seconds of silence count as `unavailable`. */
  readonly readiness: () => Promise<Readiness>;
  /** Where it listens, and further names by which it may be asked for. */
  readonly host: HostRules;
}

/** How long the parts may take to say how they are. */
const READINESS_TIMEOUT_MS = 3_000;

/** See `openapi/operations.yaml`. */
export async function createOperationsApp(
  options: OperationsOptions,
): Promise<Pick<GatehouseApp, 'listener'>> {
  const { readiness, metrics, host, ...rest } = options;
  const judge = (): Promise<Readiness> => judgeReadiness(readiness, metrics);
  metrics.beforeCollect(async () => {
    await judge();
  });
  const { listener } = await createApp({
    ...rest,
    metrics,
    publicUrl: 'http://localhost/',
    documents: [{ file: 'operations.yaml', dialect: 'operations', handlers: createHandlers(judge, metrics) }],
    pages: [],
    trustedProxies: [],
  });
  return { listener: guardHost(listener, host) };
}

function createHandlers(judge: () => Promise<Readiness>, metrics: Metrics): Record<string, Handler> {
  return {
    getLiveness: () => ({ status: 200, body: { status: 'ok', reasons: [] } }),
    getReadiness: async () => {
      const body = await judge();
      return { status: body.status === 'unavailable' ? 503 : 200, body };
    },
    getMetrics: async () => {
      const { contentType, text } = await metrics.render();
      return { status: 200, headers: { 'content-type': contentType }, body: text };
    },
  };
}

async function judgeReadiness(readiness: () => Promise<Readiness>, metrics: Metrics): Promise<Readiness> {
  const { promise: silence, resolve: giveUp } = Promise.withResolvers<Readiness>();
  const timer = setTimeout(
    () => giveUp(unavailable('the parts did not answer in time')),
    READINESS_TIMEOUT_MS,
  );
  const state = await Promise.race([
    readiness().catch(() => unavailable('the parts could not be asked')),
    silence,
  ]);
  clearTimeout(timer);
  metrics.set('ready', {}, state.status === 'unavailable' ? 0 : 1);
  return state;
}

function unavailable(reason: string): Readiness {
  return { status: 'unavailable', reasons: [reason] };
}
