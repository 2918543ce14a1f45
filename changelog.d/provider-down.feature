The page for a provider that is down offers the other providers, and a choice of providers shows a mark by `brand`.
