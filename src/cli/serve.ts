/** `gatehouse serve`: the service, from start to signal. */
import { CONFIG_FAULTY, ConfigFault, formatFault, formatFaults } from '../config/fault.ts';
import { inspectFile, type Environment } from '../config/load.ts';
import { runUntilSignal } from './run-until-signal.ts';
import { explainStartFault } from './start-fault.ts';

/** Runs the service until a signal and returns the exit code: 2 for a faulty configuration, 1 if it cannot start for another reason. */
export async function serve(file: string, env: Environment): Promise<number> {
  const { config, faults, warnings } = inspectFile(file, env);
  if (config === undefined) {
    console.error(`gatehouse: cannot start: ${formatFaults(faults, file)}`);
    return CONFIG_FAULTY;
  }
  for (const warning of warnings) console.error(`gatehouse: warning: ${formatFault(warning).trimStart()}`);
  try {
    return await runUntilSignal(async () => {
      // Loaded only now: the other commands, and a refusal to start, need none of it.
      const { startService } = await import('../service.ts');
      const service = await startService({ config });
      if (process.stderr.isTTY) console.error(`gatehouse: ready at ${service.url} (Ctrl-C stops it)`);
      return service;
    });
  } catch (error) {
    console.error(`gatehouse: ${explainStartFault(error)}`);
    return error instanceof ConfigFault ? CONFIG_FAULTY : 1;
  }
}
