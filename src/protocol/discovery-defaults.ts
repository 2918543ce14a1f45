/** How long a provider's documents are kept if the operator does not say, in seconds. */
export const discoveryDefaults = {
  /** Never fetched again sooner. */
  minTtl: 60,
  /** Fetched again at the latest. */
  maxTtl: 86_400,
  /** Used while nothing newer is available. */
  staleIfError: 604_800,
} as const;
