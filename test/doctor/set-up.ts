/** A whole set-up for the doctor: a real IdP, the real service, a homeserver, and reverse proxies in front of IdP and service. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig, inspectFile } from '../../src/config/load.ts';
import { diagnose, type Report } from '../../src/doctor/diagnose.ts';
import type { DoctorDeps } from '../../src/doctor/probe.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { startService } from '../../src/service.ts';
import { readIdpDocumentAges } from '../../src/storage/maintenance.ts';
import { freePort } from '../support/free-port.ts';
import { startIdp, type Idp } from '../peers/idp.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';

export interface SetUp extends AsyncDisposable {
  readonly idp: Idp;
  /** In front of the IdP: the provider's own public name. */
  readonly idpProxy: FaultProxy;
  /** In front of service and homeserver. */
  readonly proxy: FaultProxy;
  /** Public URL of the service, with a slash. */
  readonly url: string;
  /** The configuration file of the sound set-up. */
  readonly file: string;
  /** What the homeserver answers on `/.well-known/matrix/client`. */
  wellKnown: unknown;
  /** Asks the doctor; `change` is applied to the text of the configuration that it reads, not to the service's. */
  ask(change?: (text: string) => string, deps?: Partial<DoctorDeps>): Promise<Report>;
  /** Ends the service, and nothing else. */
  stopService(): Promise<void>;
}

export const deps: DoctorDeps = { clock: systemClock, random: systemRandom };

/** Everything is sound, and stays so until a test plants a fault. */
export async function startSetUp(
  options: { path?: string; configure?: (text: string) => string } = {},
): Promise<SetUp> {
  await using started = new AsyncDisposableStack();
  const idp = started.use(await startIdp());
  const idpProxy = started.use(await startFaultProxy({ target: () => idp.issuer, renames: true }));
  const port = await freePort();
  const homeserver = await startHomeserver();
  started.defer(() => homeserver.close());
  const isHomeservers = /^\/(_matrix\/client\/versions|\.well-known\/matrix\/client)/;
  const proxy = started.use(
    await startFaultProxy({
      target: ({ path }) =>
        isHomeservers.test(path) ? homeserver.origin : `http://127.0.0.1:${String(port)}`,
    }),
  );
  const url = `${proxy.origin}${options.path ?? '/'}`;
  homeserver.wellKnown = { 'm.homeserver': { base_url: proxy.origin } };
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-doctor-'));
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'gatehouse.yaml');
  const text = configuration({ url, port, idp, issuer: idpProxy.origin, homeserver: proxy.origin });
  writeFileSync(file, options.configure?.(text) ?? text, { mode: 0o600 });
  idp.setRedirectUris(`${url}upstream/main/callback`);
  const service = await startService({ config: loadConfig(file, {}) });
  const readStored = () => readIdpDocumentAges(`sqlite:${join(folder, 'gatehouse.db')}`);
  while ((await readStored()).length < 2) await delay(20);
  let running = true;
  const stopService = async (): Promise<void> => {
    if (running) await service.close();
    running = false;
  };
  started.defer(stopService);
  const held = started.move();
  return {
    idp,
    idpProxy,
    proxy,
    url,
    file,
    get wellKnown() {
      return homeserver.wellKnown;
    },
    set wellKnown(value) {
      homeserver.wellKnown = value;
    },
    stopService,
    async ask(change, more) {
      const changed = join(folder, 'changed.yaml');
      if (change !== undefined) writeFileSync(changed, change(readFileSync(file, 'utf8')), { mode: 0o600 });
      const read = change === undefined ? file : changed;
      return diagnose(
        { ...deps, ...more },
        {
          file: read,
          inspection: inspectFile(read, {}),
          readStored,
          readBacklog: () => Promise.resolve({ entries: 0, oldest: null }),
          withToken: () => () => Promise.resolve({ skipped: 'asked in test/cli/doctor-homeserver.test.ts' }),
        },
      );
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function configuration(at: {
  url: string;
  port: number;
  idp: Idp;
  issuer: string;
  homeserver: string;
}): string {
  return `server_name: 127.0.0.1
public_url: ${at.url}
listen: { host: 127.0.0.1, port: ${String(at.port)} }
operations: { port: 0 }
database: { url: "sqlite:gatehouse.db" }
providers:
  - id: main
    issuer: ${at.issuer}
    client_id: ${at.idp.clientId}
    client_secret: ${at.idp.clientSecret}
homeserver: { kind: none, public_url: "${at.homeserver}", secret: shared-with-the-homeserver }
log: { level: silent }
`;
}

interface Homeserver {
  readonly origin: string;
  wellKnown: unknown;
  close(): Promise<void>;
}

async function startHomeserver(): Promise<Homeserver> {
  const homeserver = { wellKnown: {} as unknown };
  const server = createServer((request, response) => {
    const body =
      request.url?.startsWith('/.well-known') === true ? homeserver.wellKnown : { versions: ['v1.15'] };
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
    });
    response.end(JSON.stringify(body ?? { errcode: 'M_NOT_FOUND', error: 'none' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(homeserver, {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
