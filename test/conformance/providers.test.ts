/** Several providers: a choice, a hint, and people who are told apart by who vouched for them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Idp, startIdp } from '../peers/idp.ts';
import { createBrowser } from '../support/browser.ts';
import { ask, registerTestClient, type TestClient } from '../support/oauth-client.ts';

let second: Idp;
let gatehouse: Gatehouse;
let client: TestClient;
beforeAll(async () => {
  second = await startIdp({});
  gatehouse = await startGatehouse({
    env: {
      GATEHOUSE__PROVIDERS__0__NAME: 'First & foremost',
      GATEHOUSE__PROVIDERS__1__ID: 'second',
      GATEHOUSE__PROVIDERS__1__ISSUER: second.issuer,
      GATEHOUSE__PROVIDERS__1__CLIENT_ID: second.clientId,
      GATEHOUSE__PROVIDERS__1__CLIENT_SECRET: second.clientSecret,
    },
  });
  second.setRedirectUris(`${gatehouse.url}upstream/second/callback`);
  client = await registerTestClient(gatehouse);
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
  await second.close();
});

it('offers the providers as links, and goes where the person wants', async () => {
  const browser = createBrowser();
  browser.stopAt(client.redirectUri);
  const chooser = await browser.open(client.authorizeUrl());
  expect(chooser.title).toBe('Where do you want to sign in?');
  expect(chooser.body).toContain('First &amp; foremost');
  const login = await browser.follow('second');
  expect(login.url.startsWith(second.issuer)).toBe(true);
  await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
  const done = await browser.submit({ button: 'Allow' });
  expect(new URL(done.url).searchParams.get('code')).toMatch(/^gac_/);
});

it.each([
  ['second', (): string => second.issuer],
  ['main', (): string => gatehouse.idp.issuer],
  ['unknown', (): string => gatehouse.url],
])('follows the hint %s', async (hint, place) => {
  const answer = await ask(client.authorizeUrl({ idp_hint: hint }));
  expect(answer.headers.get('location')?.startsWith(place())).toBe(true);
});

it('gives a name that somebody has at one provider to nobody at the other', async () => {
  const tokens = await client.tokens({ parameters: { idp_hint: 'main' }, login: 'alice' });
  expect(tokens.access_token).toMatch(/^gat_/);
  const browser = createBrowser();
  await browser.open(client.authorizeUrl({ idp_hint: 'second' }));
  const refused = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  expect(refused.status).toBe(403);
  expect(refused.body).toContain('belongs to another account');
});

it('does not take the answer of one provider at the callback of the other', async () => {
  const browser = createBrowser();
  browser.stopAt(`${gatehouse.url}upstream`);
  await browser.open(client.authorizeUrl({ idp_hint: 'main' }));
  const callback = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  const cookies = Object.entries(browser.cookies(callback.url)).map(([name, value]) => `${name}=${value}`);
  const mixed = callback.url.replace('/upstream/main/', '/upstream/second/');
  const answer = await ask(mixed, { headers: { cookie: cookies.join('; '), accept: 'text/html' } });
  expect(answer.status).toBe(400);
});

it.each([
  ['a picture', '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>'],
  ['a picture with a prologue', '<?xml version="1.0"?>\n<!-- a mark -->\n<svg><circle r="4"/></svg>\n'],
  [
    'a picture that would run or load something, as an image does neither',
    '<svg onload="alert(1)"><script>alert(1)</script></svg>',
  ],
])('shows %s of the operator beside the name of a provider', async (_what, svg) => {
  await using service = await startGatehouse({
    env: {
      GATEHOUSE__PROVIDERS__0__ICON_SVG: svg,
      GATEHOUSE__PROVIDERS__1__ID: 'other',
      GATEHOUSE__PROVIDERS__1__ISSUER: 'http://127.0.0.1:9/',
      GATEHOUSE__PROVIDERS__1__CLIENT_ID: 'x',
      GATEHOUSE__PROVIDERS__1__CLIENT_SECRET: 'x',
    },
  });
  const page = await createBrowser().open((await registerTestClient(service)).authorizeUrl());
  const picture =
    /<img class="icon" alt="" width="32" height="32" src="data:image\/svg\+xml;base64,([^"]+)"/.exec(
      page.body,
    )?.[1];
  expect(Buffer.from(picture ?? '', 'base64').toString()).toBe(svg);
  expect(page.body).not.toContain('onload');
  expect(page.body).toContain('<span class="mark" aria-hidden="true">O</span>');
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none';.* img-src data:;/);
});

it('offers the other providers while one is down, and the same sign-in goes on there', async () => {
  await using half = await startGatehouse({
    env: {
      GATEHOUSE__PROVIDERS__0__BRAND: 'github',
      GATEHOUSE__PROVIDERS__1__ID: 'down',
      GATEHOUSE__PROVIDERS__1__NAME: 'Broken account',
      GATEHOUSE__PROVIDERS__1__ISSUER: 'http://127.0.0.1:9/',
      GATEHOUSE__PROVIDERS__1__CLIENT_ID: 'x',
      GATEHOUSE__PROVIDERS__1__CLIENT_SECRET: 'x',
    },
  });
  const app = await registerTestClient(half);
  const browser = createBrowser();
  browser.stopAt(app.redirectUri);
  const chooser = await browser.open(app.authorizeUrl());
  expect(chooser.body).toContain('<span class="mark" aria-hidden="true">G</span>');
  for (const down of [
    await browser.follow('Broken account'),
    await browser.open(app.authorizeUrl({ idp_hint: 'down' })),
  ]) {
    expect([down.status, down.title]).toEqual([503, 'Not available at the moment']);
    expect(down.headers.get('retry-after')).toMatch(/^[1-9]/);
    expect(down.body).not.toContain('Broken account');
  }
  expect((await browser.follow('Try again')).status).toBe(503);
  await browser.follow('main');
  await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  const done = await browser.submit({ button: 'Allow' });
  expect(new URL(done.url).searchParams.get('code')).toMatch(/^gac_/);
  const program = await ask(app.authorizeUrl({ idp_hint: 'down' }));
  expect([program.status, program.headers.get('content-type')]).toEqual([
    503,
    expect.stringContaining('json'),
  ]);
});
