/** The option that names the configuration file. */
import type { Command } from 'commander';

export interface ConfigOption {
  readonly config?: string;
}

/** Adds it to a command. */
export function withConfig(command: Command): Command {
  return command.option(
    '-c, --config <file>',
    'the configuration file (default: $GATEHOUSE_CONFIG, or gatehouse.yaml in the current folder)',
  );
}

/** The file that is meant. */
export function configFile(option: string | undefined): string {
  return option ?? (process.env.GATEHOUSE_CONFIG || 'gatehouse.yaml');
}
