/** Starts the three parts of the demo, says what to do with them, and stops them when told to. */
import type { RequestListener } from 'node:http';
import { relative } from 'node:path';
import { ConfigFault } from '../src/config/fault.ts';
import { loadConfig } from '../src/config/load.ts';
import { startService } from '../src/service.ts';
import { accountByLogin, accountBySubject, renderLogin, renderNotice } from './idp/accounts.ts';
import { createClientListener } from './client/server.ts';
import { icon, pageHeaders, styleSheet } from './html.ts';
import { createIdentityProvider } from './idp/provider.ts';
import { assertFree, DemoFault, listen } from './listen.ts';
import { baseUrl, readDemoSettings, writeDemoFiles, type DemoSettings } from './settings.ts';

/** Runs until `signal` is aborted. Returns the exit code: 0 when it was told to stop, 1 when it could not start. */
export async function runDemo(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  try {
    await using parts = new AsyncDisposableStack();
    await start(env, signal, parts);
    if (!signal.aborted) {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
      });
    }
    console.log('Stopping.');
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return 0;
    if (!(error instanceof DemoFault || error instanceof ConfigFault)) throw error;
    console.error(error.message);
    return 1;
  }
}

class Stopped extends Error {}

async function start(
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  parts: AsyncDisposableStack,
): Promise<void> {
  const goOn = (): void => {
    if (signal.aborted) throw new Stopped();
  };
  const settings = readDemoSettings(env);
  for (const named of [settings.gatehouse, settings.operations, settings.idp, settings.client]) {
    await assertFree(named);
  }
  goOn();
  const files = writeDemoFiles(settings);
  const config = loadConfig(files.configFile, env);
  const publicUrl = config.public_url.replace(/\/?$/, '/');

  const idp = await createIdentityProvider({
    issuer: baseUrl(settings.idp),
    cookiePrefix: 'demo_idp_',
    accountByLogin,
    accountBySubject,
    client: (id) =>
      id === 'gatehouse'
        ? {
            client_id: id,
            client_secret: files.idpSecret,
            redirect_uris: config.providers.map((provider) => `${publicUrl}upstream/${provider.id}/callback`),
          }
        : undefined,
    renderLogin,
    renderNotice,
    onServerError: (error) => {
      console.error('demo identity provider:', error);
    },
  });
  parts.use(await listen(settings.idp, withAssets(idp.listener)));
  goOn();

  const service = await startService({ config });
  parts.defer(() => service.close());
  goOn();

  const client = createClientListener({
    matrixUrl: publicUrl,
    clientUrl: baseUrl(settings.client),
    homeserverSecret: config.homeserver.secret ?? '',
  });
  parts.use(await listen(settings.client, withAssets(client)));
  goOn();
  console.log(readyText(settings, publicUrl, files.homeserverSecretFile, files.configFile));
}

/** Answers the style sheet and the icon, and gives every other answer the headers of a demo page. */
function withAssets(listener: RequestListener): RequestListener {
  return (request, response) => {
    if (request.url === '/style.css') {
      response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' }).end(styleSheet);
    } else if (request.url === '/icon.svg') {
      response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(icon);
    } else {
      for (const name of ['content-security-policy', 'referrer-policy', 'x-content-type-options'] as const) {
        response.setHeader(name, pageHeaders[name]);
      }
      listener(request, response);
    }
  };
}

function readyText(
  settings: DemoSettings,
  publicUrl: string,
  secretFile: string,
  configFile: string,
): string {
  const here = (file: string): string => {
    const path = relative(process.cwd(), file);
    return path.startsWith('..') ? file : path;
  };
  return `
Gatehouse demo is ready.

  Open   ${baseUrl(settings.client)}/
         A Matrix client signs in, step by step, with the homeserver's view. Accounts: alice, bob, zoe; no passwords.

  Try    curl -s ${publicUrl}_matrix/client/v1/auth_metadata
         curl -s -H "Authorization: Bearer $(cat ${here(secretFile)})" -d token=anything ${publicUrl}oauth2/introspect
         curl -s ${baseUrl(settings.operations)}/health/ready

  Runs   Gatehouse on ${publicUrl}, the demo identity provider on ${baseUrl(settings.idp)}/,
         configured by ${here(configFile)}; sessions are kept there too.

  Stop   Ctrl-C
`;
}
