People see where they are signed in, and sign out one session or all, at `{public_url}account`, which clients link to for devices (`account_management_uri`).
