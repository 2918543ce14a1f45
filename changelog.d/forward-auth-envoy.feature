Envoy asks at `/verify/path/…`, with the method and the path of the request itself.
