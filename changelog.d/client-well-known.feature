`/.well-known/matrix/client` is served where `homeserver.public_url` is set, and `oauth_api: false` switches the OAuth 2.0 API off.
