Operators see and change users, sessions and clients from the command line (`gatehouse users`, `sessions`, `clients`), beside the running service and with `--json` for machines.
