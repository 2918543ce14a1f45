/**
 * Numbers by labels, counted in plain maps and handed to the registry when it is scraped: the registry's own counters put a key together and look
 * at every label at each count, which costs more than answering a small request.
 */
import { Counter, type Metric, type Registry } from 'prom-client';

type LabelValues = Readonly<Record<string, string>>;

interface Declared {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** One entry a combination of labels, made at its first use. */
interface Entries<Entry> {
  readonly of: (labels: LabelValues) => Entry;
  readonly all: readonly (readonly [LabelValues, Entry])[];
}

interface Branch<Entry> {
  readonly branches: Map<string, Branch<Entry>>;
  entry: Entry | undefined;
}

/** Looked up label by label: no key is put together. */
function createEntries<Entry>(labelNames: readonly string[], create: () => Entry): Entries<Entry> {
  const all: (readonly [LabelValues, Entry])[] = [];
  const branchOff = (): Branch<Entry> => ({ branches: new Map(), entry: undefined });
  const root = branchOff();
  return {
    all,
    of: (labels) => {
      let branch = root;
      for (const name of labelNames) {
        const value = labels[name] ?? '';
        let next = branch.branches.get(value);
        if (next === undefined) {
          next = branchOff();
          branch.branches.set(value, next);
        }
        branch = next;
      }
      if (branch.entry === undefined) {
        branch.entry = create();
        all.push([{ ...labels }, branch.entry]);
      }
      return branch.entry;
    },
  };
}

/** Counts by labels; what the function returned adds is seen by the next scrape. */
export function createCount(
  registry: Registry,
  { name, help, labelNames }: Declared,
): (labels: LabelValues, by: number) => void {
  const entries = createEntries(labelNames, () => ({ total: 0 }));
  const counter = new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const [labels, { total }] of entries.all) counter.inc(labels, total);
    },
  });
  return (labels, by) => {
    entries.of(labels).total += by;
  };
}

interface Observations {
  /** How many were at most the bound of the same index and more than the one before; the last: more than every bound. */
  readonly within: number[];
  sum: number;
}

/** Observes values by labels, in buckets with these upper bounds, smallest first. */
export function createDistribution(
  registry: Registry,
  { name, help, labelNames }: Declared,
  bounds: readonly number[],
): (labels: LabelValues, value: number) => void {
  const entries = createEntries<Observations>(labelNames, () => ({
    within: Array.from({ length: bounds.length + 1 }, () => 0),
    sum: 0,
  }));
  const exposed = {
    name,
    get: () =>
      Promise.resolve({
        name,
        help,
        type: 'histogram',
        values: entries.all.flatMap(([labels, entry]) => samplesOf(name, labels, bounds, entry)),
      }),
  };
  registry.registerMetric(exposed as unknown as Metric);
  return (labels, value) => {
    const entry = entries.of(labels);
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    entry.within[at] = (entry.within[at] ?? 0) + 1;
    entry.sum += value;
  };
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** In the text format of Prometheus a bucket counts everything below it as well. */
function samplesOf(
  name: string,
  labels: LabelValues,
  bounds: readonly number[],
  { within, sum }: Observations,
): Sample[] {
  let count = 0;
  const buckets = within.map((more, index) => {
    count += more;
    return {
      metricName: `${name}_bucket`,
      labels: { le: bounds[index] ?? '+Inf', ...labels },
      value: count,
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
