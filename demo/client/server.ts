/** The demo client's web server: one page, a form per step, the redirect URI. Walks are kept in memory, one per browser. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import { pageHeaders } from '../html.ts';
import { renderNotice, renderWalk } from './page.ts';
import { startWalk, stepIds, takeCallback, takeStep, type Walk, type WalkSettings } from './walk.ts';

const cookieName = 'demo_client_walk';

/** Answers the demo client's pages. `settings.clientUrl` is where the caller serves this listener. */
export function createClientListener(settings: WalkSettings): RequestListener {
  const walks = new LRUCache<string, Walk>({ max: 1000 });
  const own = new URL(settings.clientUrl);

  const walkOf = (request: IncomingMessage): { id: string; walk: Walk; isNew: boolean } => {
    const id = new RegExp(`(?:^|; )${cookieName}=([\\w-]{22})(?:;|$)`).exec(
      request.headers.cookie ?? '',
    )?.[1];
    const walk = id === undefined ? undefined : walks.get(id);
    if (id !== undefined && walk !== undefined) return { id, walk, isNew: false };
    return { id: randomBytes(16).toString('base64url'), walk: startWalk(), isNew: true };
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', own);
    // Cookies belong to one host: `localhost` would lose the walk at the redirect URI.
    if (request.headers.host !== own.host) {
      redirect(response, new URL(url.pathname + url.search, own).href);
      return;
    }
    const { id, walk, isNew } = walkOf(request);
    const keep = (kept: Walk): void => {
      walks.set(id, kept);
      response.setHeader('set-cookie', `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Lax`);
    };
    const route = `${request.method === 'HEAD' ? 'GET' : (request.method ?? '')} ${url.pathname}`;
    if (route === 'GET /') {
      sendPage(response, 200, renderWalk(walk, settings));
    } else if (route === 'GET /callback') {
      if (isNew) {
        const detail =
          'This browser has no sign-in under way here. Perhaps the demo was started anew in between.';
        sendPage(response, 400, renderNotice('Nothing to come back to', detail));
        return;
      }
      takeCallback(walk, url.searchParams);
      redirect(response, '/#authorize');
    } else if (request.method === 'POST' && !isSameOrigin(request, own)) {
      sendPage(response, 403, renderNotice('Not from here', 'That form was not one of this page.'));
    } else if (route === 'POST /start-over') {
      keep(startWalk());
      redirect(response, '/');
    } else {
      const step = stepIds.find((candidate) => route === `POST /steps/${candidate}`);
      if (step === undefined) {
        sendPage(response, 404, renderNotice('No such page', 'There is nothing here.'));
        return;
      }
      keep(walk);
      await takeStep(walk, step, settings);
      redirect(response, `/#${step}`);
    }
  }

  return (request, response) => {
    request.resume();
    answer(request, response).catch((error: unknown) => {
      console.error('demo client:', error);
      if (!response.headersSent)
        sendPage(response, 500, renderNotice('Something went wrong', 'See the terminal.'));
    });
  };
}

function isSameOrigin(request: IncomingMessage, own: URL): boolean {
  const { origin } = request.headers;
  return origin === undefined || origin === own.origin;
}

function sendPage(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, pageHeaders).end(body);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store' }).end();
}
