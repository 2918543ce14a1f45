The library's `verify` tells an outage as a verdict of its own, `unavailable`, instead of throwing; `Unavailable` and the types of the verdict are exported.
