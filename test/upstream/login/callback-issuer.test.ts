/** `iss` of the callback (RFC 9207) counts by the same values as that of tokens. */
import { expect, it } from 'vitest';
import { startForgedIdp } from '../support/forged-idp.ts';

const aliases = ['https://alias.example', 'accounts.example'];

it.each(aliases)('the alias %s is taken', async (iss) => {
  await using idp = await startForgedIdp({ issuer_aliases: aliases });
  expect((await idp.login({ iss })).issuer).toBe(idp.issuer);
});

it.each(['https://alias.example/', 'HTTPS://ALIAS.EXAMPLE', 'https://evil.example', ''])(
  'the value "%s" is refused, and both values are named',
  async (iss) => {
    await using idp = await startForgedIdp({ issuer_aliases: aliases });
    await expect(idp.login({ iss })).rejects.toThrow(`iss is "${iss}", expected "${idp.issuer}"`);
    expect(idp.server.count('/token')).toBe(0);
  },
);
