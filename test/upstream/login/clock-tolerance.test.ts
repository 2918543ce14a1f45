/** How far the provider's clock may be from ours. */
import { describe, expect, it } from 'vitest';
import { faultsOf, withProvider } from '../../config/support.ts';
import { startForgedIdp } from '../support/forged-idp.ts';

describe('the times of an ID token are judged', () => {
  it.each<[string, number | undefined, string, number, boolean]>([
    ['within the default', undefined, 'exp', -50, true],
    ['beyond the default', undefined, 'exp', -70, false],
    ['within the default', undefined, 'nbf', 50, true],
    ['beyond the default', undefined, 'nbf', 70, false],
    ['within the default', undefined, 'iat', 50, true],
    ['beyond the default', undefined, 'iat', 70, false],
    ['within a longer tolerance', 300, 'exp', -290, true],
    ['within a longer tolerance', 300, 'iat', 290, true],
    ['beyond a longer tolerance', 300, 'nbf', 320, false],
    ['without tolerance', 0, 'exp', -5, false],
    ['without tolerance', 0, 'iat', 10, false],
  ])('%s (%s): %s %i seconds from now', async (_what, tolerance, claim, offset, isGood) => {
    await using idp = await startForgedIdp(
      tolerance === undefined ? {} : { clock_tolerance_seconds: tolerance },
    );
    idp.claims = { [claim]: Math.floor(Date.now() / 1000) + offset };
    const outcome = await idp.login().then(
      () => true,
      () => false,
    );
    expect(outcome).toBe(isGood);
  });
});

it.each([-1, 301, 1.5])('%d is no tolerance', (seconds) => {
  expect(faultsOf(withProvider({ clock_tolerance_seconds: seconds }))).toMatchObject([
    { path: 'providers[0].clock_tolerance_seconds' },
  ]);
});
