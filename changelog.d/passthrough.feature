In `mode: passthrough` the identity provider's own metadata is published, checked against every rule of the Matrix specification and never fresher than the provider allows.
