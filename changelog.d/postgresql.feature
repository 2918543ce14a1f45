The database can be PostgreSQL (`database.url: postgres://…`), also behind PgBouncer in transaction mode, shared by any number of processes.
