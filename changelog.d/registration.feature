`registration:` says who may register a client (anybody, a list of hosts, nobody), how many there may be, and what a client is that names no authentication method.
