Clients can be written into the configuration (`clients:`), with a secret or with keys (`private_key_jwt`), their own access token lifetime, and without a consent page where they are trusted.
