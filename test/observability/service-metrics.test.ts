/** What `/metrics` of a running service says, before anything has happened and after people have signed in. */
import { expect, it } from 'vitest';
import { eventNames } from '../../src/observability/events.ts';
import { packageVersion } from '../../src/observability/version.ts';
import type { Idp } from '../peers/idp.ts';
import { startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { registerTestClient } from '../support/oauth-client.ts';

/** Value of a sample by its name and labels as printed. */
async function scrape(url: string): Promise<(sample: string) => number | undefined> {
  const response = await fetch(`${url}/metrics`);
  const lines = (await response.text()).split('\n');
  const samples = new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
  return (sample) => samples.get(sample);
}

forEachEngine((engine) => {
  it('counts sign-ins, requests to the provider, the database, users and sessions', async () => {
    let ahead = 0;
    const clock = { now: () => Date.now(), monotonic: () => performance.now() + ahead };
    await using gatehouse = await startGatehouse({ env: await databaseOf(engine), clock });
    const before = await scrape(gatehouse.operationsUrl);

    const build = `{version="${packageVersion()}",node="${process.version}",engine="${engine.name}"}`;
    expect(before(`gatehouse_build_info${build}`)).toBe(1);
    expect(
      eventNames.filter((event) => before(`gatehouse_events_total{event="${event}"}`) === undefined),
    ).toEqual([]);
    for (const outcome of ['signed_in', 'denied', 'refused', 'invalid', 'unavailable']) {
      expect(before(`gatehouse_sign_ins_total{provider="main",outcome="${outcome}"}`), outcome).toBe(0);
    }
    for (const sample of [
      'gatehouse_refreshes_total{outcome="reuse"}',
      'gatehouse_introspections_total{outcome="locked"}',
      'gatehouse_verifications_total{by="sasl",outcome="unavailable"}',
      'gatehouse_token_verifications_total{provider="main",outcome="miss"}',
      'gatehouse_upstream_requests_total{provider="main",kind="token",outcome="failed"}',
      'gatehouse_rate_limit_hits_total{limit="registrations_per_address"}',
      'gatehouse_rate_limit_hits_total{limit="sign_ins_per_address_total"}',
      'gatehouse_requests_shed_total',
      'gatehouse_live_sessions',
      'gatehouse_users',
    ]) {
      expect(before(sample), sample).toBe(0);
    }

    const client = await registerTestClient(gatehouse);
    await client.tokens({ login: 'alice' });
    await client.tokens({ login: 'bob' });

    ahead = 6 * 60_000;
    await scrape(gatehouse.operationsUrl);
    await expect
      .poll(async () => (await scrape(gatehouse.operationsUrl))('gatehouse_users'), { timeout: 10_000 })
      .toBe(2);
    const after = await scrape(gatehouse.operationsUrl);
    expect(after('gatehouse_live_sessions')).toBe(2);
    expect(after('gatehouse_sign_ins_total{provider="main",outcome="signed_in"}')).toBe(2);
    expect(after('gatehouse_upstream_requests_total{provider="main",kind="token",outcome="ok"}')).toBe(2);
    expect(after('gatehouse_upstream_request_duration_seconds_count{provider="main",kind="token"}')).toBe(2);
    expect(
      after('gatehouse_upstream_requests_total{provider="main",kind="metadata",outcome="ok"}'),
    ).toBeGreaterThan(0);
    expect(after('gatehouse_database_duration_seconds_count{operation="read"}')).toBeGreaterThan(2);
    expect(after('gatehouse_database_duration_seconds_count{operation="write"}')).toBeGreaterThan(2);
  });
});

it.each<[outcome: string, why: string, (idp: Idp) => void]>([
  ['signed_in', 'all is well', () => undefined],
  [
    'denied',
    'the person cancelled at the provider',
    ({ faults }) => {
      faults.callback = (url) => {
        url.searchParams.delete('code');
        url.searchParams.set('error', 'access_denied');
        return url;
      };
    },
  ],
  [
    'refused',
    'a rule keeps the person out',
    ({ accounts }) => {
      accounts.set('alice', { ...accounts.get('alice'), sub: 'sub-of-alice', groups: [] });
    },
  ],
  [
    'refused',
    'the name cannot be had',
    ({ accounts }) => {
      accounts.set('alice', { sub: 'sub-of-alice', preferred_username: 'no name!', groups: ['staff'] });
    },
  ],
  ['invalid', 'the ID token is of another sign-in', ({ faults }) => void (faults.nonce = 'another')],
  ['unavailable', 'the token endpoint is down', ({ faults }) => void (faults.tokenStatus = 503)],
])('a sign-in is counted once, as %s: %s', async (outcome, _why, prepare) => {
  await using gatehouse = await startGatehouse({
    env: {
      GATEHOUSE__PROVIDERS__0__ACCESS__REQUIRE__0__CLAIM: 'groups',
      GATEHOUSE__PROVIDERS__0__ACCESS__REQUIRE__0__ANY_OF__0: 'staff',
    },
  });
  prepare(gatehouse.idp);
  const client = await registerTestClient(gatehouse);
  const browser = createBrowser();
  await browser.open(client.authorizeUrl());
  await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  const sample = await scrape(gatehouse.operationsUrl);
  const counted = ['signed_in', 'denied', 'refused', 'invalid', 'unavailable'].filter(
    (each) => sample(`gatehouse_sign_ins_total{provider="main",outcome="${each}"}`) === 1,
  );
  expect(counted).toEqual([outcome]);
});
