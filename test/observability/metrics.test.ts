import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metricsDocs } from '../../scripts/generate-metrics-docs.ts';
import { createEvents, eventNames } from '../../src/observability/events.ts';
import { createMetrics, metricDeclarations } from '../../src/observability/metrics.ts';
import { memoryLog } from '../http/support.ts';

describe('metrics', () => {
  it('are documented as they are declared: run node scripts/generate-metrics-docs.ts', async () => {
    expect(await readFile(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')).toBe(metricsDocs());
  });

  it('have names and units in the way of Prometheus', () => {
    for (const { name, kind, help } of Object.values(metricDeclarations)) {
      expect(name).toMatch(/^gatehouse_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/\.$/);
    }
  });

  it('belong to one service: two in a process do not mix', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.count('introspections', { outcome: 'active' }, 3);
    one.observe('httpDuration', { operation: 'whoami' }, 0.02);
    one.set('outbox', {}, 5);
    expect((await one.render()).text).toContain('gatehouse_introspections_total{outcome="active"} 3');
    expect((await one.render()).text).toContain(
      'gatehouse_http_request_duration_seconds_bucket{le="0.025",operation="whoami"} 1',
    );
    expect((await other.render()).text).toContain('gatehouse_introspections_total{outcome="active"} 0');
  });

  it('are read before each exposition, whatever one of them does', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.beforeCollect(() => Promise.reject(new Error('down')));
    metrics.beforeCollect(() => {
      metrics.set('outbox', {}, 7);
    });
    expect((await metrics.render()).text).toContain('gatehouse_homeserver_outbox_entries 7');
  });

  it('can forget a gauge', async () => {
    const metrics = createMetrics({ processMetrics: false });
    const labels = { provider: 'main', kind: 'jwks' } as const;
    metrics.set('upstreamDocumentAge', labels, 7);
    metrics.forget('upstreamDocumentAge', labels);
    expect((await metrics.render()).text).not.toContain('provider="main"');
  });
});

describe('events', () => {
  it('are one line and one count each', async () => {
    const logged = memoryLog();
    const metrics = createMetrics({ processMetrics: false });
    const emit = createEvents({ log: logged.log, metrics });
    for (const name of eventNames) emit(name, { userId: 'u', sessionId: 's' });
    expect(logged.lines().map(({ event }) => event)).toEqual(eventNames);
    expect(logged.lines()[0]).toMatchObject({
      message: 'event',
      user_id: 'u',
      session_id: 's',
      level: 'info',
    });
    expect(logged.lines().find(({ event }) => event === 'refresh_token_reused')).toMatchObject({
      level: 'warn',
    });
    expect((await metrics.render()).text).toContain('gatehouse_events_total{event="session_started"} 1');
  });
});
