The library asks providers about opaque tokens too: by introspection (RFC 7662, signed answers of RFC 9701, `private_key_jwt`), tokeninfo or userinfo, with bounded caches and a way out of its own.
