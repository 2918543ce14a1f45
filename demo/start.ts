/**
 * `npm start`: a demo identity provider, Gatehouse and a demo client on loopback ports. Signals are listened to before anything
 * else is loaded, so that one sent while starting stops it cleanly too.
 */
const stopped = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal does not wait.
    if (stopped.signal.aborted) process.exit(0);
    stopped.abort();
  });
}

const { runDemo } = await import('./run.ts');
process.exit(await runDemo(process.env, stopped.signal));
