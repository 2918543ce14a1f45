/** Whatever a client sends to `/login`: an answer in the words of Matrix, never a fault of ours, and nobody is signed in. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startGatehouse } from '../../peers/gatehouse.ts';
import { ask } from '../../support/oauth-client.ts';

const known = (...names: string[]): fc.Arbitrary<string> => fc.constantFrom(...names);
const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }), fc.constant(null));
const identifier = fc.oneof(
  anything,
  fc.record(
    {
      type: fc.oneof(known('m.id.user', 'm.id.thirdparty', 'm.id.phone'), anything),
      user: fc.oneof(known('alice', '@alice:example.org', '@', '@:', ':', '@alice:'), anything),
      medium: anything,
      address: anything,
      country: anything,
      phone: anything,
    },
    { requiredKeys: [] },
  ),
);
const body = fc.record(
  {
    type: fc.oneof(
      known('m.login.password', 'm.login.token', 'm.login.application_service', 'm.login.sso', '__proto__'),
      anything,
    ),
    identifier,
    user: anything,
    medium: anything,
    address: anything,
    password: anything,
    token: anything,
    device_id: anything,
    initial_device_display_name: anything,
    refresh_token: anything,
  },
  { requiredKeys: [] },
);

it('is answered by a refusal', async () => {
  await using gatehouse = await startGatehouse({
    validateResponses: true,
    idp: { passwordGrant: true },
    env: {
      GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true',
      GATEHOUSE__LIMITS__PASSWORD_FAILURES_PER_ADDRESS: '100000',
    },
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: body }, anything), async (sent) => {
      const answer = await ask(`${gatehouse.url}_matrix/client/v3/login`, {
        method: 'POST',
        body: JSON.stringify(sent) ?? '',
      });
      expect([400, 403, 429]).toContain(answer.status);
      expect(answer.body).toMatchObject({
        errcode: expect.stringMatching(/^M_[A-Z_]+$/) as unknown,
        error: expect.any(String) as unknown,
      });
    }),
    { numRuns: 400 },
  );
}, 60_000);
