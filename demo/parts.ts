/** The three parts of the demo: an identity provider, Gatehouse as `gatehouse serve` runs it, and a client. */
import type { RequestListener } from 'node:http';
import { explainStartFault } from '../src/cli/start-fault.ts';
import { loadConfig } from '../src/config/load.ts';
import { startService } from '../src/service.ts';
import { createClientListener } from './client/server.ts';
import { icon, pageHeaders, styleSheet } from './html.ts';
import { accountByLogin, accountBySubject, renderLogin, renderNotice } from './idp/accounts.ts';
import { createIdentityProvider } from './idp/provider.ts';
import { DemoFault, listen } from './listen.ts';
import { baseUrl, type DemoFiles, type DemoSettings } from './settings.ts';

export interface PartsInput {
  readonly settings: DemoSettings;
  readonly files: DemoFiles;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Takes what was started, for the caller to stop. */
  readonly parts: AsyncDisposableStack;
}

export type Started =
  | { readonly kind: 'ready'; readonly publicUrl: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Starts the parts one by one, as long as `signal` is not aborted. */
export async function startParts(input: PartsInput): Promise<Started> {
  const { settings, files, env, signal, parts } = input;
  try {
    const config = loadConfig(files.configFile, env);
    const publicUrl = config.public_url.replace(/\/?$/, '/');
    const redirectUris = config.providers.map(({ id }) => `${publicUrl}upstream/${id}/callback`);
    parts.use(await startIdp(settings, files, redirectUris));
    if (signal.aborted) return { kind: 'stopped' };

    const service = await startService({ config });
    parts.defer(() => service.close());
    if (signal.aborted) return { kind: 'stopped' };

    const client = createClientListener({
      matrixUrl: publicUrl,
      clientUrl: baseUrl(settings.client),
      homeserverSecret: config.homeserver.secret ?? '',
    });
    parts.use(await listen(settings.client, withAssets(client)));
    return { kind: 'ready', publicUrl };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof DemoFault ? error.message : explainStartFault(error) };
  }
}

async function startIdp(
  settings: DemoSettings,
  files: DemoFiles,
  redirectUris: string[],
): Promise<AsyncDisposable> {
  const idp = await createIdentityProvider({
    issuer: baseUrl(settings.idp),
    cookiePrefix: 'demo_idp_',
    accountByLogin,
    accountBySubject,
    client: (id) =>
      id === 'gatehouse'
        ? { client_id: id, client_secret: files.idpSecret, redirect_uris: redirectUris }
        : undefined,
    renderLogin,
    renderNotice,
    onServerError: (error) => {
      console.error('demo identity provider:', error);
    },
  });
  return listen(settings.idp, withAssets(idp.listener));
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
