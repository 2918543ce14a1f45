/** What is about to be done, for the person to read. */
export interface Summary {
  /** Completes “An app wants to …”. */
  readonly act: string;
  /** To what, at most {@link LISTED}. */
  readonly things: readonly string[];
  /** How many more things there are. */
  readonly more: number;
}

const LISTED = 30;

/** A summary of an act on any number of things. */
export function summaryOf(act: string, things: readonly string[]): Summary {
  return { act, things: things.slice(0, LISTED), more: Math.max(0, things.length - LISTED) };
}

/** As it is stored. */
export function writeSummary(summary: Summary): string {
  return JSON.stringify(summary);
}

/** As it was stored. */
export function readSummary(text: string): Summary {
  return JSON.parse(text) as Summary;
}
