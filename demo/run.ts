/** The demo from its first look at the environment to its end. The parts are loaded only when nothing stands in their way. */
import { relative } from 'node:path';
import { assertFree, DemoFault } from './listen.ts';
import { baseUrl, readDemoSettings, writeDemoFiles, type DemoFiles, type DemoSettings } from './settings.ts';

/** Runs until `signal` is aborted. Returns the exit code: 0 when it was told to stop, 1 when it could not start. */
export async function runDemo(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  try {
    const settings = readDemoSettings(env);
    for (const named of [settings.gatehouse, settings.operations, settings.idp, settings.client]) {
      await assertFree(named);
    }
    const files = writeDemoFiles(settings);
    if (signal.aborted) return 0;
    console.log('Starting a demo identity provider, Gatehouse and a demo client …');
    const { startParts } = await import('./parts.ts');
    await using parts = new AsyncDisposableStack();
    const started = await startParts({ settings, files, env, signal, parts });
    if (started.kind === 'failed') {
      console.error(started.reason);
      return 1;
    }
    if (started.kind === 'ready' && !signal.aborted) {
      console.log(readyText(settings, files, started.publicUrl));
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
      });
    }
    console.log('Stopping.');
    return 0;
  } catch (error) {
    if (!(error instanceof DemoFault)) throw error;
    console.error(error.message);
    return 1;
  }
}

function readyText(settings: DemoSettings, files: DemoFiles, publicUrl: string): string {
  const here = (file: string): string => {
    const path = relative(process.cwd(), file);
    return path.startsWith('..') ? file : path;
  };
  return `
Gatehouse demo is ready.

  Open   ${baseUrl(settings.client)}/
         A Matrix client signs in, step by step, with the homeserver's view. Accounts: alice, bob, zoe; no passwords.

  Try    curl -s ${publicUrl}_matrix/client/v1/auth_metadata
         curl -s -H "Authorization: Bearer $(cat ${here(files.homeserverSecretFile)})" -d token=anything ${publicUrl}oauth2/introspect
         curl -s ${baseUrl(settings.operations)}/health/ready

  Runs   Gatehouse on ${publicUrl}, the demo identity provider on ${baseUrl(settings.idp)}/,
         configured by ${here(files.configFile)}; sessions are kept there too.

  Stop   Ctrl-C
`;
}
