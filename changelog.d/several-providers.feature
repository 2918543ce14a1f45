Several identity providers can be configured at once: people choose on a page, and a client can name one with `idp_hint`.
