import { ownTokenForms } from '../../src/verification/own-token-hash.ts';

/** Tokens of our own where no client has JWTs. */
export const opaqueTokens = ownTokenForms({
  issuer: 'https://auth.example.com/',
  keys: () => Promise.resolve([]),
});
