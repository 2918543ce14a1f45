/**
 * A person's browser without JavaScript: it keeps cookies by host (not by port, as real jars do), follows redirects one by one,
 * and submits the forms that it is shown.
 */
import { toPage, type Form, type Page } from './html-page.ts';

export type { Page } from './html-page.ts';

export interface SubmitOptions {
  /** Label of the button that is pressed. Default: the first button of the first form. */
  readonly button?: string;
  /** Values of fields, over those that the form came with. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Which form, from 0. Default: the first that has the button. */
  readonly form?: number;
}

export interface Browser {
  /** Opens a URL and follows redirects. */
  open(url: string): Promise<Page>;
  /** Submits a form of the page that is shown (or of `page`) and follows redirects. */
  submit(options?: SubmitOptions, page?: Page): Promise<Page>;
  /** Follows a link of the page that is shown, by its label. */
  follow(label: string): Promise<Page>;
  /** The page that is shown. Throws when nothing has been opened. */
  readonly page: Page;
  /** URLs that start so are not fetched: the browser stops there, as at an application's redirect URI. */
  stopAt(...prefixes: string[]): void;
  /** Cookies that would be sent to this URL, by name. */
  cookies(url: string): Record<string, string>;
  clearCookies(): void;
}

interface Cookie {
  name: string;
  value: string;
  host: string;
  path: string;
  secure: boolean;
  sameSite: string;
}

const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * @param options.accept `Accept` header. Default: a browser's.
 * @param options.headers further headers of every request, for instance `accept-language`.
 * @param options.secureOnLoopback keeps `Secure` cookies of http on loopback, as Chromium and Firefox do. Default false: a stricter one.
 */
export function createBrowser(
  options: { accept?: string; headers?: Record<string, string>; secureOnLoopback?: boolean } = {},
): Browser {
  const isSecure = (url: string): boolean =>
    url.startsWith('https:') ||
    (options.secureOnLoopback === true && /^http:\/\/(127\.|localhost[:/])/.test(url));
  let jar: Cookie[] = [];
  let shown: Page | undefined;
  let stops: string[] = [];

  async function load(
    url: string,
    init: { method: string; body?: string; origin?: string; referer?: string },
  ): Promise<Page> {
    const visited: string[] = [];
    let target = url;
    let { method, body } = init;
    let crossSite = init.origin !== undefined && siteOf(init.origin) !== siteOf(url);
    for (let hops = 0; hops < 20; hops += 1) {
      visited.push(target);
      if (stops.some((prefix) => target.startsWith(prefix))) {
        return (shown = toPage({
          url: target,
          status: 0,
          headers: new Headers(),
          body: '',
          visited,
          stopped: true,
        }));
      }
      // A scheme that no app has claimed: the page stays.
      if (shown !== undefined && !/^https?:/.test(target)) return shown;
      const headers = new Headers({
        accept: options.accept ?? 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
        'user-agent': 'Mozilla/5.0 (test browser)',
        'upgrade-insecure-requests': '1',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-site': init.origin === undefined ? 'none' : crossSite ? 'cross-site' : 'same-origin',
        ...options.headers,
      });
      if (init.referer !== undefined) headers.set('referer', init.referer);
      if (body !== undefined) {
        headers.set('content-type', 'application/x-www-form-urlencoded');
        if (init.origin !== undefined) headers.set('origin', init.origin);
      }
      const cookie = cookieHeader(jar, target, isSecure(target), crossSite && method !== 'GET');
      if (cookie !== '') headers.set('cookie', cookie);
      const response = await fetch(target, {
        method,
        headers,
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      });
      jar = takeCookies(jar, target, isSecure(target), response.headers.getSetCookie());
      const location = response.headers.get('location');
      if (!redirects.has(response.status) || location === null) {
        const text = await response.text();
        shown = toPage({
          url: target,
          status: response.status,
          headers: response.headers,
          body: text,
          visited,
          stopped: false,
        });
        const next = /http-equiv="refresh" content="0; url=([^"]*)"/
          .exec(text)?.[1]
          ?.replaceAll('&amp;', '&');
        if (next === undefined) return shown;
        target = next;
        continue;
      }
      await response.body?.cancel();
      const next = new URL(location, target);
      const hash = new URL(target).hash;
      if (next.hash === '' && hash !== '') next.hash = hash;
      if (response.status !== 307 && response.status !== 308) {
        method = 'GET';
        body = undefined;
      }
      crossSite ||= siteOf(target) !== siteOf(next.href);
      target = next.href;
    }
    throw new Error(`too many redirects: ${visited.map((step) => step.replace(/\?.*/, '?…')).join(' → ')}`);
  }

  const current = (): Page => {
    if (shown === undefined) throw new Error('no page has been opened');
    return shown;
  };

  return {
    open: (url) => load(url, { method: 'GET' }),
    submit({ button, fields = {}, form: index } = {}, page = current()) {
      const { form, pressed } = choose(page, button, index);
      const data = new URLSearchParams(
        form.fields.map(([name, value]): [string, string] => [name, fields[name] ?? value]),
      );
      for (const [name, value] of Object.entries(fields)) if (!data.has(name)) data.append(name, value);
      if (pressed?.name !== undefined) data.append(pressed.name, pressed.value);
      const action = pressed?.action ?? form.action;
      const origin = new URL(page.url).origin;
      if (form.method === 'get') {
        const target = new URL(action);
        target.search = data.toString();
        return load(target.href, { method: 'GET', origin, referer: page.url });
      }
      return load(action, { method: 'POST', body: data.toString(), origin, referer: page.url });
    },
    follow(label) {
      const page = current();
      const link = page.links.find((candidate) => candidate.label === label);
      if (link === undefined) throw new Error(`no link “${label}” on ${page.url}`);
      return load(link.href, { method: 'GET', origin: new URL(page.url).origin, referer: page.url });
    },
    get page() {
      return current();
    },
    stopAt: (...prefixes) => {
      stops = prefixes;
    },
    cookies: (url) =>
      Object.fromEntries(matching(jar, url, isSecure(url), false).map(({ name, value }) => [name, value])),
    clearCookies: () => {
      jar = [];
    },
  };
}

function choose(
  page: Page,
  label: string | undefined,
  index: number | undefined,
): { form: Form; pressed: Form['buttons'][number] | undefined } {
  const forms = index === undefined ? page.forms : page.forms.slice(index, index + 1);
  const has = (form: Form): boolean => form.buttons.some((button) => button.label === label);
  const form = label === undefined ? forms[0] : forms.find(has);
  if (form === undefined) {
    const wanted = label === undefined ? 'form' : `button “${label}”`;
    throw new Error(
      `no ${wanted} on ${page.url} (status ${String(page.status)}): ${page.text.slice(0, 300)}`,
    );
  }
  return { form, pressed: form.buttons.find((button) => label === undefined || button.label === label) };
}

function siteOf(url: string): string {
  const { protocol, hostname } = new URL(url);
  return `${protocol}//${hostname}`;
}

function matching(jar: Cookie[], url: string, secure: boolean, strictly: boolean): Cookie[] {
  const { hostname, pathname } = new URL(url);
  return jar
    .filter(
      (cookie) =>
        cookie.host === hostname &&
        (pathname === cookie.path ||
          pathname.startsWith(cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`)) &&
        (!cookie.secure || secure) &&
        (!strictly || cookie.sameSite === 'none'),
    )
    .sort((a, b) => b.path.length - a.path.length);
}

function cookieHeader(jar: Cookie[], url: string, secure: boolean, crossSitePost: boolean): string {
  return matching(jar, url, secure, crossSitePost)
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
}

/** RFC 6265 §5.3, as far as a test needs it: no domain cookies, `Secure` and the `__Host-` prefix checked. */
function takeCookies(jar: Cookie[], url: string, secure: boolean, setCookies: string[]): Cookie[] {
  const { hostname, pathname } = new URL(url);
  let kept = jar;
  for (const line of setCookies) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const equals = pair.indexOf('=');
    if (equals < 1) continue;
    const attribute = new Map(
      attributes.map((part) => {
        const [name = '', ...rest] = part.split('=');
        return [name.toLowerCase(), rest.join('=')];
      }),
    );
    const cookie: Cookie = {
      name: pair.slice(0, equals),
      value: pair.slice(equals + 1),
      host: hostname,
      path: attribute.get('path') ?? (pathname.replace(/\/[^/]*$/, '') || '/'),
      secure: attribute.has('secure'),
      sameSite: (attribute.get('samesite') ?? 'lax').toLowerCase(),
    };
    if (cookie.secure && !secure) continue;
    if (
      cookie.name.startsWith('__Host-') &&
      (!cookie.secure || cookie.path !== '/' || attribute.has('domain'))
    )
      continue;
    kept = kept.filter(
      ({ name, host, path }) => name !== cookie.name || host !== cookie.host || path !== cookie.path,
    );
    const expires = attribute.get('expires');
    const gone =
      Number(attribute.get('max-age') ?? '1') <= 0 ||
      (attribute.get('max-age') === undefined &&
        expires !== undefined &&
        Date.parse(expires) < performance.timeOrigin);
    if (!gone) kept = [...kept, cookie];
  }
  return kept;
}
