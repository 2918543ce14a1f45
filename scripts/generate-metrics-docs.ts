/**
 * Writes docs/metrics.md from the declarations in src/observability/metrics.ts, and from the list of events.
 *
 *   node scripts/generate-metrics-docs.ts
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventMeanings } from '../src/observability/events.ts';
import { type Label, metricDeclarations } from '../src/observability/metrics.ts';

interface Declaration {
  readonly kind: string;
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, Label>>;
}

/** The page, in Markdown. */
export function metricsDocs(): string {
  const metrics = Object.values<Declaration>(metricDeclarations);
  return `# Metrics and events

Generated from \`src/observability/\` by \`scripts/generate-metrics-docs.ts\`.

What Gatehouse counts, and which events it logs. The operations listener serves \`/metrics\` in the text format of Prometheus. Labels come from closed lists, so their number is bounded. In addition to the metrics below there are those of the process: \`process_*\` and \`nodejs_*\`.

## Metrics

${metrics.map(section).join('\n')}
## Events

Each event is one log line (\`"message":"event"\`, its name in \`event\`, with the ids of the user, session, client and device that it is about) and
one count in \`gatehouse_events_total\`. It says who caused it:

- \`actor\`: \`person\` (a request of a browser or client), \`provider\` (a sign-out reported by an identity provider), \`system\` (work without a request, such as expiry), \`operator\` (a command)
- \`actor_name\`: which provider, or who ran the command
- \`client_address\` and \`request_id\`: those of the request, as in its own log line and on the page that the person saw

Commands of operators run in another process: they write their events to standard error and into the database, and \`gatehouse audit\` lists them. They are not counted in the metrics.

${Object.entries(eventMeanings)
  .map(([name, meaning]) => `- \`${name}\`: ${meaning}`)
  .join('\n')}
`;
}

function section({ kind, name, help, labels }: Declaration): string {
  const told = Object.entries(labels).map(([label, meaning]) => `- \`${label}\`: ${inWords(meaning)}\n`);
  return `### \`${name}\` (${kind})\n\n${help}\n${told.length === 0 ? '' : `\n${told.join('')}`}`;
}

function inWords(label: Label): string {
  if (typeof label === 'string') return label;
  const values = Object.entries(label);
  return values.map(([name, why]) => `\`${name}\`${why === '' ? '' : ` (${why})`}`).join(', ');
}

if (import.meta.main) {
  await writeFile(join(import.meta.dirname, '../docs/metrics.md'), metricsDocs());
}
