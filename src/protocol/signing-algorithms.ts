/** Algorithms that we sign with. ID tokens are always RS256, which every client must be able to verify (OpenID Connect Core section 15.1). */
export const signingAlgorithms = ['RS256', 'ES256'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];
