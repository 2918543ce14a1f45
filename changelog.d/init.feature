`gatehouse init` writes a commented configuration from a few answers or options, keeps its secrets in files that only you may read, and says what to do next.
