/** What Prometheus' own tool says of `/metrics`: nothing but of the metrics that the client library exports of the process. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { startGatehouse } from '../peers/gatehouse.ts';
import { registerTestClient } from '../support/oauth-client.ts';

it('promtool check metrics finds no fault with the metrics of Gatehouse', async () => {
  await using gatehouse = await startGatehouse();
  const client = await registerTestClient(gatehouse);
  await gatehouse.introspect((await client.tokens({ login: 'alice' })).access_token);
  const input = await (await fetch(`${gatehouse.operationsUrl}/metrics`)).text();
  const { error, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  expect(error).toBeUndefined();
  const faults = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  expect(faults.filter((line) => !/^(nodejs|process)_/.test(line))).toEqual([]);
  // It did look: it finds fault with the library's.
  expect(input).toContain('gatehouse_introspections_total{outcome="active"} 1');
  expect(spawnSync('promtool', ['check', 'metrics'], { input: 'a_total_total 1\n' }).status).not.toBe(0);
});
