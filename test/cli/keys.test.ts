/** `gatehouse keys` beside a running service. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { ask } from '../support/oauth-client.ts';
import { runCli } from './run-cli.ts';

let gatehouse: Gatehouse;
beforeAll(async () => {
  gatehouse = await startGatehouse();
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const run = async (...args: string[]): Promise<unknown> => {
  const config = join(gatehouse.folder, 'gatehouse.yaml');
  const { code, stdout, stderr } = await runCli(['keys', ...args, '--json', '--config', config]);
  expect({ code, stderr: stderr.replace(/^gatehouse: event signing_key_made key=.*\n/, '') }).toEqual({
    code: 0,
    stderr: '',
  });
  return JSON.parse(stdout);
};
const published = async (): Promise<unknown[]> => {
  const { body } = await ask(`${gatehouse.url}oauth2/jwks`);
  return (body['keys'] as { kid: string }[]).map(({ kid }) => kid);
};

it('keys are rotated, and the running service knows within a second', async () => {
  const [first] = await published();
  expect(await run('list')).toEqual([
    { kid: first, alg: 'RS256', created_at: expect.any(String), state: 'signs' },
  ]);
  const {
    kids: [second],
  } = (await run('rotate')) as { kids: string[] };
  await expect.poll(published, { timeout: 1000 }).toEqual([second, first]);
  expect(await run('list')).toMatchObject([
    { kid: second, state: 'published' },
    { kid: first, state: 'signs' },
  ]);
  const {
    kids: [third],
  } = (await run('rotate', '--now')) as { kids: string[] };
  await expect.poll(published, { timeout: 1000 }).toEqual([third]);
  expect(await run('list')).toMatchObject([{ kid: third, state: 'signs' }]);
});
