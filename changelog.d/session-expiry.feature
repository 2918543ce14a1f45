Sessions can expire when they were not used for long, or at a greatest age (`sessions.idle_expiry_days`, `sessions.absolute_expiry_days`; both off by default).
