/**
 * `npm start`: a demo identity provider, Gatehouse and a demo client on loopback ports. Signals are listened to before anything
 * else is loaded, so that one sent while starting stops it cleanly too.
 */
const stopped = new AbortController();
let stoppedAt = 0;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const now = performance.now();
    if (!stopped.signal.aborted) {
      stoppedAt = now;
      stopped.abort();
    } else if (now - stoppedAt > 500) {
      // A second signal does not wait. One press of Ctrl-C comes twice: from the terminal, and passed on by npm.
      process.exit(0);
    }
  });
}

const { runDemo } = await import('./run.ts');
process.exit(await runDemo(process.env, stopped.signal));
