/** Algorithms that we sign with. ID tokens are always RS256, which every client must be able to verify (OpenID Connect Core section 15.1). */
export const signingAlgorithms = ['RS256', 'ES256'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Signs claims with the key whose turn it is. Times are set by the caller. Default: an ID token's type and algorithm. */
export type SignClaims = (
  claims: Readonly<Record<string, unknown>>,
  header?: { readonly typ: string; readonly alg: SigningAlgorithm },
) => Promise<string>;
