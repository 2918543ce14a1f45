/** Tables for people at a terminal. */
import { printable } from './operator.ts';

/** Columns as wide as they must be, two spaces apart; `empty` if there is no row. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): string {
  if (rows.length === 0) return empty;
  const lines = [head, ...rows.map((row) => row.map(printable))];
  const widths = head.map((_name, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, one a line; a list goes over several. */
export function formatDetails(details: Readonly<Record<string, string | readonly string[] | null>>): string {
  const entries = Object.entries(details).filter(([, value]) => value !== null && value.length > 0);
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries
    .flatMap(([name, value]) =>
      [value ?? '']
        .flat()
        .map((text, index) => `${(index === 0 ? name : '').padEnd(width)}  ${printable(text)}`),
    )
    .join('\n');
}

/** Milliseconds since the epoch to the minute, in UTC; a dash for null. */
export function shortTime(milliseconds: number | null): string {
  if (milliseconds === null) return '-';
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
