Authorization requests can be pushed (RFC 9126).
