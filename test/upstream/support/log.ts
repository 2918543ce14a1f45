import type { PartLog } from '../../../src/observability/part-log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly members: Record<string, unknown>;
  readonly message: string;
}

/** A log that a test can read. */
export function testLog(): PartLog & { lines: LogLine[]; text(): string } {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (members: object, message: string) => {
    lines.push({ level, members: members as Record<string, unknown>, message });
  };
  return {
    lines,
    text: () => JSON.stringify(lines),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
